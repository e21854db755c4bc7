import { TrendMark } from "../../components/partition_columns";
import { Quantity } from "../../components/quantity";
import { RowsTable } from "../../components/rows_table";
import { StateChip } from "../../components/state_chip";
import type { TopicHealth } from "../../documents";
import { type TableQuery, changed } from "../../table_query";

interface Props {
  topics: readonly TopicHealth[] | null;
  query: TableQuery;
  onQuery: (query: TableQuery) => void;
}

/** Groups and topics; a click narrows the partitions below. */
export function TopicSummary({ topics, query, onQuery }: Props) {
  const choose = ({ group, topic }: TopicHealth) => onQuery(changed(query, { filters: { ...query.filters, group, topic } }));
  return (
    <RowsTable
      title="Groups and topics"
      rows={topics}
      rowKey={(row) => `${row.group}/${row.topic}`}
      empty="No group has partitions yet."
      columns={[
        {
          title: "Topic",
          cell: (row) => (
            <button type="button" class="link" title="Show its partitions" onClick={() => choose(row)}>
              {row.topic}
            </button>
          ),
        },
        { title: "Group", class: "wide", cell: (row) => row.group },
        { title: "Partitions", class: "num wide", cell: (row) => <Quantity value={row.partitions} /> },
        { title: "States", cell: (row) => <States states={row.states} /> },
        {
          title: "Lag",
          class: "num strong",
          cell: (row) => (
            <>
              <Quantity value={row.lag} /> <TrendMark trend={row.trend} />
            </>
          ),
        },
        { title: "Behind", class: "num", cell: (row) => <Quantity value={row.lag_s} unit="seconds" /> },
      ]}
    />
  );
}

function States({ states }: { states: TopicHealth["states"] }) {
  return (
    <span class="chips">
      {Object.entries(states).map(([state, many]) => (
        <span key={state}>
          {many} <StateChip state={state} />
        </span>
      ))}
    </span>
  );
}
