import { PageLink } from "../../components/page_link";
import { Quantity } from "../../components/quantity";
import { RowsTable } from "../../components/rows_table";
import { StateChip } from "../../components/state_chip";
import type { TopicGroup } from "../../topic_documents";

/** Who reads the topic, of this service or not. */
export function Groups({ topic, groups }: { topic: string; groups: readonly TopicGroup[] | null }) {
  if (groups === null) return <p class="banner warn">Kafka does not tell which groups read this topic.</p>;
  return (
    <RowsTable
      title="Consumer groups"
      rows={groups}
      rowKey={(row) => row.group}
      empty="No group has committed anything of it."
      columns={[
        {
          title: "Group",
          cell: (row) => (
            <PageLink to={`/health?group=${encodeURIComponent(row.group)}&topic=${encodeURIComponent(topic)}`}>{row.group}</PageLink>
          ),
        },
        { title: "State", cell: (row) => (row.state ? <StateChip state={row.state.toLowerCase()} /> : "–") },
        { title: "Members", class: "num", cell: (row) => <Quantity value={row.members} /> },
        { title: "Lag", class: "num strong", cell: (row) => <Quantity value={row.lag} /> },
      ]}
    />
  );
}
