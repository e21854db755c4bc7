import { useParams } from "wouter-preact";
import { DataTable } from "../../components/data_table";
import { Facts } from "../../components/facts";
import { Page } from "../../components/page";
import { PageLink } from "../../components/page_link";
import { PARTITION_COLUMNS, partitionKey } from "../../components/partition_columns";
import { Quantity } from "../../components/quantity";
import { RelativeTime } from "../../components/relative_time";
import { RowsTable } from "../../components/rows_table";
import { ShareBar } from "../../components/share_bar";
import { StateChip } from "../../components/state_chip";
import type { Group, InstanceDocument } from "../../documents";
import { useDocument } from "../../use_document";
import { useTableQuery } from "../../use_table_query";
import { JOB_COLUMNS, jobKey } from "../jobs";
import { InstanceActions } from "./actions";
import { Cpu, InstanceState } from "./index";

const GROUP_COLUMNS = [
  { title: "Group", cell: (row: Group) => <PageLink to={`/health?group=${encodeURIComponent(row.name)}`}>{row.name}</PageLink> },
  { title: "State", cell: (row: Group) => <StateChip state={row.state} /> },
  { title: "Partitions", class: "num", cell: (row: Group) => <Quantity value={row.assigned} /> },
  { title: "Rebalances", class: "num", cell: (row: Group) => <Quantity value={row.rebalances} /> },
  { title: "Last poll", class: "num", cell: (row: Group) => <Quantity value={row.last_poll_s} unit="seconds" /> },
  { title: "Last commit", class: "num", cell: (row: Group) => <Quantity value={row.last_commit_s} unit="seconds" /> },
  { title: "Clients rebuilt", class: "num", cell: (row: Group) => <Quantity value={row.client_rebuilds} /> },
];

export function InstancePage() {
  const { instance = "" } = useParams<{ instance: string }>();
  const name = decodeURIComponent(instance);
  const path = `/consumers/${encodeURIComponent(name)}`;
  const state = useTableQuery();
  const loaded = useDocument<InstanceDocument>(path, state.parameters);
  const { data } = loaded;
  return (
    <Page title={name} loaded={loaded} actions={data && <InstanceActions row={data} />} lead={<PageLink to="/consumers">All instances</PageLink>}>
      {data && <About row={data} />}
      <RowsTable title="Groups" columns={GROUP_COLUMNS} rows={data?.groups ?? null} rowKey={(row) => row.name} empty="It runs no group." />
      <RowsTable title="Jobs" columns={JOB_COLUMNS.slice(1)} rows={data?.jobs ?? null} rowKey={jobKey} empty="No job runs or waits." />
      <DataTable
        title="Partitions"
        columns={PARTITION_COLUMNS}
        table={data?.partitions ?? null}
        state={state}
        rowKey={partitionKey}
        search="Filter: topic, consumer, state"
        empty="No partition is assigned to it."
        exports={path}
        loading={loaded.loading}
      />
    </Page>
  );
}

function About({ row }: { row: InstanceDocument }) {
  return (
    <section class="panel padded" aria-label="About this instance">
      <Facts
        facts={[
          ["State", <InstanceState key="state" row={row} />],
          ["Host", `${row.host}, process ${row.pid}`],
          ["Version", row.version],
          ["Started", <RelativeTime key="started" time={row.started_at} />],
          ["Utilisation", <ShareBar key="share" value={row.utilisation} label="Job slots in use" />],
          ["Messages/s", <Quantity key="rate" value={row.messages_per_s} unit="rate" />],
          ["Memory", <Quantity key="memory" value={row.rss_bytes} unit="bytes" />],
          ["CPU", <Cpu key="cpu" row={row} />],
          ["Loop lag", <Quantity key="lag" value={row.loop_lag_ms} unit="ms" />],
          ["Seen", <RelativeTime key="seen" time={row.seen_at} />],
        ]}
      />
    </section>
  );
}
