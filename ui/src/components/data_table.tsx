import type { ComponentChildren } from "preact";
import type { Table } from "../documents";
import { changed } from "../table_query";
import type { TableState } from "../use_table_query";
import { ExportLinks } from "./export_links";
import { Pager } from "./pager";
import { SearchField } from "./search_field";
import { type Column, TableHead } from "./table_head";

interface Props<Row> {
  title: string;
  columns: readonly Column<Row>[];
  table: Table<Row> | null;
  state: TableState;
  rowKey: (row: Row) => string;
  /** Said in place of rows, where there are none and nothing was filtered out. */
  empty: ComponentChildren;
  /** What the search looks at. */
  search?: string;
  /** More filters, and buttons that act on the table. */
  tools?: ComponentChildren;
  /** The document's path for the exports of all matched rows. */
  exports?: string;
  /** Filters that are always set, beside those of the address. */
  fixed?: Record<string, string>;
  loading?: boolean;
}

/** Rows that the service has found, ordered and cut into pages; what was asked for stands in the address. */
export function DataTable<Row>(props: Props<Row>) {
  const { title, columns, table, state, search, tools, exports, fixed, loading } = props;
  const { query, setQuery, parameters } = state;
  return (
    <section class="panel" aria-label={title} aria-busy={loading === true}>
      <div class="phead">
        <h2>{title}</h2>
        {search && <SearchField label={search} value={query.q} onSearch={(q) => setQuery(changed(query, { q }))} />}
        {tools}
        <span class="grow" />
        {exports !== undefined && <ExportLinks path={exports} parameters={{ ...fixed, ...parameters }} />}
      </div>
      {table && table.rows.length > 0 ? (
        <div class="scroll" tabIndex={0} role="region" aria-label={`${title}, rows`}>
          <table>
            <TableHead columns={columns} sort={table.sort} onSort={(sort) => setQuery(changed(query, { sort }))} />
            <Body {...props} rows={table.rows} />
          </table>
        </div>
      ) : (
        <Nothing {...props} />
      )}
      {table && <Pager table={table} onPage={(page) => setQuery({ ...query, page })} />}
    </section>
  );
}

function Body<Row>({ columns, rows, rowKey }: Props<Row> & { rows: readonly Row[] }) {
  return (
    <tbody>
      {rows.map((row) => (
        <tr key={rowKey(row)}>
          {columns.map((column) => (
            <td key={column.title} class={column.class}>
              {column.cell(row)}
            </td>
          ))}
        </tr>
      ))}
    </tbody>
  );
}

function Nothing<Row>({ table, state, empty }: Props<Row>) {
  const { query, setQuery } = state;
  if (!table) return <p class="empty waiting">Loading…</p>;
  const filtered = query.q !== "" || Object.keys(query.filters).length > 0;
  if (!filtered || table.total === 0) return <p class="empty">{empty}</p>;
  return (
    <p class="empty">
      Nothing of {table.total.toLocaleString("en-GB")} matches.{" "}
      <button type="button" onClick={() => setQuery(changed(query, { q: "", filters: {} }))}>
        Show all
      </button>
    </p>
  );
}
