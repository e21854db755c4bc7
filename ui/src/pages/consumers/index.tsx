import { DataTable } from "../../components/data_table";
import { FilterTag } from "../../components/filters";
import { FleetNote } from "../../components/fleet_note";
import { Page } from "../../components/page";
import { PageLink } from "../../components/page_link";
import { Quantity } from "../../components/quantity";
import { RelativeTime } from "../../components/relative_time";
import { ShareBar } from "../../components/share_bar";
import { StateChip } from "../../components/state_chip";
import type { Column } from "../../components/table_head";
import type { ConsumersDocument, Instance } from "../../documents";
import { useDocument } from "../../use_document";
import { useTableQuery } from "../../use_table_query";

const COLUMNS: readonly Column<Instance>[] = [
  {
    title: "Instance",
    sort: "instance",
    cell: (row) => (
      <>
        <PageLink to={`/consumers/${encodeURIComponent(row.instance)}`}>{row.instance}</PageLink>
        {row.this && <span class="note"> this one</span>}
      </>
    ),
  },
  { title: "State", sort: "state", cell: (row) => <InstanceState row={row} /> },
  { title: "Groups", cell: (row) => row.groups.join(", ") },
  { title: "Partitions", sort: "assigned", class: "num", cell: (row) => <Quantity value={row.assigned} /> },
  { title: "Jobs", sort: "running_jobs", class: "num", cell: (row) => <Quantity value={row.running_jobs} /> },
  { title: "Utilisation", sort: "utilisation", cell: (row) => <ShareBar value={row.utilisation} label={`Job slots of ${row.instance} in use`} /> },
  { title: "Messages/s", sort: "messages_per_s", class: "num", cell: (row) => <Quantity value={row.messages_per_s} unit="rate" /> },
  { title: "Memory", sort: "rss_bytes", class: "num", cell: (row) => <Quantity value={row.rss_bytes} unit="bytes" /> },
  { title: "CPU", sort: "cpu_percent", class: "num", cell: (row) => <Cpu row={row} /> },
  { title: "Loop lag", sort: "loop_lag_ms", class: "num", cell: (row) => <Quantity value={row.loop_lag_ms} unit="ms" /> },
  { title: "Up for", sort: "uptime_s", class: "num", cell: (row) => <Quantity value={row.uptime_s} unit="seconds" /> },
  { title: "Seen", sort: "seen_at", class: "note", cell: (row) => <RelativeTime time={row.seen_at} /> },
];

export function Cpu({ row }: { row: Pick<Instance, "cpu_percent"> }) {
  return <Quantity value={row.cpu_percent === null ? null : row.cpu_percent / 100} unit="percent" />;
}

export function InstanceState({ row }: { row: Pick<Instance, "gone" | "state" | "health"> }) {
  if (row.gone) return <StateChip state="gone" title="It has said nothing for 30 s" />;
  return (
    <span class="chips">
      <StateChip state={row.state} />
      {row.health && row.health !== "ok" && <StateChip state={row.health} />}
    </span>
  );
}

export function Consumers() {
  const state = useTableQuery(["state", "group"]);
  const loaded = useDocument<ConsumersDocument>("/consumers", state.parameters);
  return (
    <Page title="Consumers" loaded={loaded} lead="The instances of this service, and what each of them does.">
      <FleetNote fleet={loaded.data?.fleet} />
      <DataTable
        title="Instances"
        columns={COLUMNS}
        table={loaded.data?.table ?? null}
        state={state}
        rowKey={(row) => row.instance}
        search="Filter: host, group, state"
        empty="No instance has reported."
        exports="/consumers"
        loading={loaded.loading}
        tools={<FilterTag name="group" query={state.query} onQuery={state.setQuery} />}
      />
    </Page>
  );
}
