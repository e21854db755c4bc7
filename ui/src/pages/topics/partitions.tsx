import { Replicas } from "../../components/replicas";
import { Quantity } from "../../components/quantity";
import { RowsTable } from "../../components/rows_table";
import type { TopicPartition } from "../../topic_documents";

/** Where partitions are, and how messages are spread over them. */
export function Partitions({ partitions }: { partitions: readonly TopicPartition[] }) {
  const most = Math.max(1, ...partitions.map((one) => one.messages ?? 0));
  return (
    <RowsTable
      title="Partitions"
      rows={partitions}
      rowKey={(row) => String(row.partition)}
      empty="It has no partition."
      columns={[
        { title: "Partition", class: "num", cell: (row) => row.partition },
        { title: "Leader", class: "num", cell: (row) => row.leader ?? <b class="wrong">none</b> },
        { title: "Replicas", cell: (row) => <Replicas leader={row.leader} replicas={row.replicas} isr={row.isr} /> },
        { title: "First offset", class: "num wide", cell: (row) => <Quantity value={row.begin} /> },
        { title: "End", class: "num wide", cell: (row) => <Quantity value={row.end} /> },
        { title: "Messages", class: "num strong", cell: (row) => <Quantity value={row.messages} /> },
        {
          title: "Share",
          class: "wide",
          cell: (row) => <meter min={0} max={most} value={row.messages ?? 0} aria-label={`Messages of partition ${row.partition}`} />,
        },
        { title: "Size", class: "num", cell: (row) => <Quantity value={row.size_bytes} unit="bytes" /> },
      ]}
    />
  );
}
