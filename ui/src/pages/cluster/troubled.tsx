import { DataTable } from "../../components/data_table";
import { PageLink } from "../../components/page_link";
import { topicPath } from "../../components/partition_columns";
import { Replicas } from "../../components/replicas";
import { StateChip } from "../../components/state_chip";
import type { Column } from "../../components/table_head";
import type { TroubledPartition } from "../../cluster_documents";
import type { Table } from "../../documents";
import type { TableState } from "../../use_table_query";

const COLUMNS: readonly Column<TroubledPartition>[] = [
  {
    title: "Partition",
    sort: "topic",
    cell: (row) => (
      <>
        <PageLink to={topicPath(row.topic)}>{row.topic}</PageLink>-{row.partition}
      </>
    ),
  },
  { title: "Trouble", sort: "kind", cell: (row) => <StateChip state={row.kind} /> },
  { title: "Replicas", cell: (row) => <Replicas replicas={row.replicas} isr={row.isr} leader={row.leader} /> },
  { title: "Why", class: "wrap note", cell: (row) => row.detail },
];

interface Props {
  table: Table<TroubledPartition> | null;
  state: TableState;
  loading: boolean;
}

/** The partitions that have fewer replicas in sync than they should, or no leader at all. */
export function Troubled({ table, state, loading }: Props) {
  return (
    <DataTable
      title="Partitions in trouble"
      columns={COLUMNS}
      table={table}
      state={state}
      loading={loading}
      rowKey={(row) => `${row.topic}/${row.partition}`}
      search="Filter: topic, kind, reason"
      exports="/cluster"
      empty="None: every partition has a leader, and all its replicas are in sync."
    />
  );
}
