import { useState } from "preact/hooks";
import { Checkbox } from "../../components/checkbox";
import { DataTable } from "../../components/data_table";
import { FilterSelect, FilterTag } from "../../components/filters";
import { FleetNote } from "../../components/fleet_note";
import { Page } from "../../components/page";
import { PARTITION_COLUMNS, partitionKey } from "../../components/partition_columns";
import type { HealthDocument, PartitionRow } from "../../documents";
import { withFilter } from "../../table_query";
import { useDocument } from "../../use_document";
import { useTableQuery } from "../../use_table_query";
import { type Asked, PartitionActions, PartitionDialog } from "./partition_actions";
import { TopicSummary } from "./topic_summary";

const STATES = ["running", "waiting", "retrying", "paused", "draining"] as const;
const FILTERS = ["group", "topic", "only", "state"] as const;

export function Health() {
  const state = useTableQuery(FILTERS);
  const { query, setQuery } = state;
  const loaded = useDocument<HealthDocument>("/health", state.parameters);
  const [asked, ask] = useState<Asked | null>(null);
  const columns = [
    ...PARTITION_COLUMNS,
    { title: "Actions", class: "num", cell: (row: PartitionRow) => <PartitionActions row={row} onAsk={ask} /> },
  ];
  return (
    <Page title="Health" loaded={loaded} lead="How far each consumer group is behind: by topic, then by partition.">
      <FleetNote fleet={loaded.data?.fleet} />
      <TopicSummary topics={loaded.data?.topics ?? null} query={query} onQuery={setQuery} />
      <DataTable
        title="Partitions"
        columns={columns}
        table={loaded.data?.table ?? null}
        state={state}
        rowKey={partitionKey}
        search="Filter: topic, consumer, state"
        empty="No partition is assigned. A group gets its partitions once its topics exist."
        exports="/health"
        loading={loaded.loading}
        tools={
          <>
            <FilterSelect name="state" label="State" choices={STATES} query={query} onQuery={setQuery} />
            <FilterTag name="group" query={query} onQuery={setQuery} />
            <FilterTag name="topic" query={query} onQuery={setQuery} />
            <Checkbox checked={query.filters.only === "lag"} onChange={(on) => setQuery(withFilter(query, "only", on ? "lag" : ""))}>
              only with lag
            </Checkbox>
          </>
        }
      />
      {asked && <PartitionDialog asked={asked} onClose={() => ask(null)} onDone={loaded.reload} />}
    </Page>
  );
}
