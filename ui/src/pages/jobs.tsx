import { DataTable } from "../components/data_table";
import { FilterSelect, FilterTag } from "../components/filters";
import { Page } from "../components/page";
import { PageLink } from "../components/page_link";
import { Place } from "../components/place";
import { Quantity } from "../components/quantity";
import { RelativeTime } from "../components/relative_time";
import { StateChip } from "../components/state_chip";
import type { Column } from "../components/table_head";
import type { Job, TableDocument } from "../documents";
import { count, shortClass } from "../format";
import { useDocument } from "../use_document";
import { useTableQuery } from "../use_table_query";

const FILTERS = ["group", "topic", "instance", "state"] as const;

export const JOB_COLUMNS: readonly Column<Job>[] = [
  {
    title: "Instance",
    sort: "instance",
    cell: (row) => <PageLink to={`/consumers/${encodeURIComponent(row.instance)}`}>{row.instance}</PageLink>,
  },
  { title: "Partition", sort: "topic", cell: (row) => <Place topic={row.topic} partition={row.partition} /> },
  { title: "Consumer", sort: "consumer", class: "wide", cell: (row) => shortClass(row.consumer ?? "–") },
  { title: "Hook", sort: "hook", cell: (row) => <code>{row.hook}</code> },
  { title: "State", sort: "state", cell: (row) => <StateChip state={row.state} /> },
  { title: "Offsets", sort: "first_offset", class: "num", cell: (row) => <Offsets row={row} /> },
  { title: "Messages", sort: "messages", class: "num wide", cell: (row) => <Quantity value={row.messages} /> },
  { title: "Attempt", sort: "attempt", class: "num", cell: (row) => <Quantity value={row.attempt} /> },
  { title: "Since", sort: "since", cell: (row) => <RelativeTime time={row.since} /> },
  { title: "Runs for", sort: "running_s", class: "num", cell: (row) => <Quantity value={row.running_s} unit="seconds" /> },
  { title: "Next try", sort: "next_retry_at", cell: (row) => <RelativeTime time={row.next_retry_at} /> },
];

function Offsets({ row }: { row: Job }) {
  if (row.first_offset === null) return <>–</>;
  const alone = row.last_offset === null || row.first_offset === row.last_offset;
  return <>{alone ? count(row.first_offset) : `${count(row.first_offset)}–${count(row.last_offset)}`}</>;
}

export function jobKey(row: Job): string {
  return `${row.instance}/${row.group}/${row.topic}/${row.partition}/${row.hook}/${row.first_offset}`;
}

export function Jobs() {
  const state = useTableQuery(FILTERS);
  const { query, setQuery } = state;
  const loaded = useDocument<TableDocument<Job>>("/jobs", state.parameters);
  return (
    <Page title="Jobs" loaded={loaded} lead="Batches that consumers work on at this moment, and those that wait for a slot or their next try.">
      <DataTable
        title="Jobs"
        columns={JOB_COLUMNS}
        table={loaded.data?.table ?? null}
        state={state}
        rowKey={jobKey}
        search="Filter: topic, consumer"
        empty="No job runs or waits at this moment."
        exports="/jobs"
        loading={loaded.loading}
        tools={
          <>
            <FilterSelect name="state" label="State" choices={["running", "waiting"]} query={query} onQuery={setQuery} />
            {FILTERS.slice(0, 3).map((name) => (
              <FilterTag key={name} name={name} query={query} onQuery={setQuery} />
            ))}
          </>
        }
      />
    </Page>
  );
}
