import { useState } from "preact/hooks";
import { ActionButton } from "../../components/action_button";
import { Checkbox } from "../../components/checkbox";
import { DataTable } from "../../components/data_table";
import { Page } from "../../components/page";
import { PageLink } from "../../components/page_link";
import { topicPath } from "../../components/partition_columns";
import { Quantity } from "../../components/quantity";
import { StateChip } from "../../components/state_chip";
import type { Column } from "../../components/table_head";
import type { TableDocument } from "../../documents";
import { count } from "../../format";
import { useActions } from "../../live";
import { withFilter } from "../../table_query";
import type { TopicRow } from "../../topic_documents";
import { useDocument } from "../../use_document";
import { useTableQuery } from "../../use_table_query";
import { CreateTopic } from "./create_topic";

const COLUMNS: readonly Column<TopicRow>[] = [
  {
    title: "Topic",
    sort: "topic",
    cell: (row) => (
      <>
        <PageLink to={topicPath(row.topic)}>{row.topic}</PageLink> {row.dlq && <StateChip state="DLQ" tone="idle" title="Dead letters of this service" />}
        {row.internal && <StateChip state="internal" tone="idle" />}
      </>
    ),
  },
  { title: "State", cell: (row) => <TopicState row={row} /> },
  { title: "Partitions", sort: "partitions", class: "num", cell: (row) => <Quantity value={row.partitions} /> },
  { title: "Replicas", sort: "replicas", class: "num wide", cell: (row) => <Quantity value={row.replicas} /> },
  { title: "Messages", sort: "messages", class: "num", cell: (row) => <Quantity value={row.messages} /> },
  { title: "Size", sort: "size_bytes", class: "num wide", cell: (row) => <Quantity value={row.size_bytes} unit="bytes" /> },
  { title: "Cleanup", sort: "cleanup_policy", class: "wide", cell: (row) => row.cleanup_policy ?? "–" },
  { title: "Consumer", sort: "consumer", class: "wide", cell: (row) => row.consumer ?? "–" },
  { title: "Groups and their lag", class: "wide", cell: (row) => <Groups row={row} /> },
];

function TopicState({ row }: { row: TopicRow }) {
  if (row.offline > 0) return <StateChip state={`${row.offline} offline`} tone="bad" />;
  if (row.under_replicated > 0) return <StateChip state={`${row.under_replicated} under-replicated`} tone="warn" />;
  return <StateChip state="in sync" tone="ok" />;
}

function Groups({ row }: { row: TopicRow }) {
  if (row.groups.length === 0) return <span class="note">none</span>;
  return (
    <span class="values">
      {row.groups.slice(0, 3).map(({ group, lag }) => (
        <span key={group}>
          {group} <b>{count(lag)}</b>
        </span>
      ))}
      {row.groups.length > 3 && <span>and {row.groups.length - 3} more</span>}
    </span>
  );
}

export function Topics() {
  const state = useTableQuery(["internal"]);
  const { query, setQuery } = state;
  const loaded = useDocument<TableDocument<TopicRow>>("/topics", state.parameters);
  const permission = useActions();
  const [creating, create] = useState(false);
  return (
    <Page
      title="Topics"
      loaded={loaded}
      lead="Every topic of the cluster that you may see, with who consumes it."
      actions={
        <ActionButton permission={permission} onPress={() => create(true)}>
          Create a topic…
        </ActionButton>
      }
    >
      <DataTable
        title="Topics"
        columns={COLUMNS}
        table={loaded.data?.table ?? null}
        state={state}
        rowKey={(row) => row.topic}
        search="Filter: topic, group"
        empty="The cluster has no topic yet."
        exports="/topics"
        loading={loaded.loading}
        tools={
          <Checkbox checked={query.filters.internal === "true"} onChange={(on) => setQuery(withFilter(query, "internal", on ? "true" : ""))}>
            internal ones too
          </Checkbox>
        }
      />
      {creating && <CreateTopic onClose={() => create(false)} onDone={loaded.reload} />}
    </Page>
  );
}
