import { Checkbox } from "../../components/checkbox";
import { DataTable } from "../../components/data_table";
import { PARTITION_COLUMNS, partitionKey } from "../../components/partition_columns";
import type { HealthDocument } from "../../documents";
import { withFilter } from "../../table_query";
import { useDocument } from "../../use_document";
import type { TableState } from "../../use_table_query";

const SHOWN = { per_page: "20" };

/** The partitions that are furthest behind. */
export function OverviewPartitions({ state }: { state: TableState }) {
  const { range: _, ...parameters } = state.parameters;
  const { data, loading } = useDocument<HealthDocument>("/health", { ...SHOWN, ...parameters }, { poll: true });
  const { query, setQuery } = state;
  return (
    <DataTable
      title="Partitions"
      columns={PARTITION_COLUMNS}
      table={data?.table ?? null}
      state={{ ...state, parameters }}
      rowKey={partitionKey}
      search="Filter: topic, consumer, state"
      empty="No partition is assigned to this instance."
      exports="/health"
      loading={loading}
      tools={
        <Checkbox checked={query.filters.only === "lag"} onChange={(on) => setQuery(withFilter(query, "only", on ? "lag" : ""))}>
          only with lag
        </Checkbox>
      }
    />
  );
}
