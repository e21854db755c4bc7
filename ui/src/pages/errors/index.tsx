import { DataTable } from "../../components/data_table";
import { FilterTag } from "../../components/filters";
import { Page } from "../../components/page";
import { PageLink } from "../../components/page_link";
import { Place } from "../../components/place";
import { Quantity } from "../../components/quantity";
import { RelativeTime } from "../../components/relative_time";
import type { Column } from "../../components/table_head";
import type { ErrorRow, TableDocument } from "../../documents";
import { shortClass } from "../../format";
import { useDocument } from "../../use_document";
import { useTableQuery } from "../../use_table_query";

const FILTERS = ["group", "topic", "class", "instance"] as const;

const COLUMNS: readonly Column<ErrorRow>[] = [
  {
    title: "Error",
    sort: "class",
    cell: (row) => (
      <PageLink to={`/errors/${encodeURIComponent(row.id)}`} title={row.class}>
        {shortClass(row.class)}
      </PageLink>
    ),
  },
  { title: "Message", class: "wrap", cell: (row) => <span class="clipped">{row.message}</span> },
  { title: "Where", sort: "topic", cell: (row) => <Place topic={row.topic} partition={row.partition} /> },
  { title: "Kind", sort: "kind", cell: (row) => <code>{row.kind}</code> },
  { title: "Group", sort: "group", cell: (row) => row.group ?? "–" },
  { title: "Count", sort: "count", class: "num strong", cell: (row) => <Quantity value={row.count} /> },
  { title: "First", sort: "first_at", cell: (row) => <RelativeTime time={row.first_at} /> },
  { title: "Last", sort: "last_at", cell: (row) => <RelativeTime time={row.last_at} /> },
];

export function Errors() {
  const state = useTableQuery(FILTERS);
  const loaded = useDocument<TableDocument<ErrorRow>>("/errors", state.parameters);
  return (
    <Page title="Errors" loaded={loaded} lead="What was raised, grouped by class and place. The newest thousand groups are kept in memory.">
      <DataTable
        title="Errors"
        columns={COLUMNS}
        table={loaded.data?.table ?? null}
        state={state}
        rowKey={(row) => row.id}
        search="Filter: class, message, topic"
        empty="No error since the start."
        exports="/errors"
        loading={loaded.loading}
        tools={FILTERS.map((name) => (
          <FilterTag key={name} name={name} query={state.query} onQuery={state.setQuery} />
        ))}
      />
    </Page>
  );
}
