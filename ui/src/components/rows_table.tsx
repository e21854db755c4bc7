import type { ComponentChildren } from "preact";
import type { Column } from "./table_head";

interface Props<Row> {
  title: string;
  columns: readonly Pick<Column<Row>, "title" | "cell" | "class">[];
  rows: readonly Row[] | null;
  rowKey: (row: Row) => string;
  empty: ComponentChildren;
  tools?: ComponentChildren;
}

/** A few rows that are all there at once: neither pages nor order. */
export function RowsTable<Row>({ title, columns, rows, rowKey, empty, tools }: Props<Row>) {
  return (
    <section class="panel" aria-label={title}>
      <div class="phead">
        <h2>{title}</h2>
        {tools}
      </div>
      {rows === null && <p class="empty waiting">Loading…</p>}
      {rows !== null && rows.length === 0 && <p class="empty">{empty}</p>}
      {rows !== null && rows.length > 0 && (
        <div class="scroll" tabIndex={0} role="region" aria-label={`${title}, rows`}>
          <table>
            <thead>
              <tr>
                {columns.map((column) => (
                  <th key={column.title} scope="col" class={column.class}>
                    {column.title}
                  </th>
                ))}
              </tr>
            </thead>
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
          </table>
        </div>
      )}
    </section>
  );
}
