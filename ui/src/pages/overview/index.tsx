import { Page } from "../../components/page";
import { Segments } from "../../components/segments";
import type { Range } from "../../documents";
import { useSnapshot } from "../../live";
import { withFilter } from "../../table_query";
import { useTableQuery } from "../../use_table_query";
import { Charts } from "./charts";
import { OverviewPartitions } from "./partitions";
import { Remarks } from "./remarks";
import { Tiles } from "./tiles";
import { useHistory } from "./use_history";

const RANGES: readonly (readonly [Range, string])[] = [
  ["5m", "5 min"],
  ["1h", "1 h"],
  ["24h", "24 h"],
  ["7d", "7 d"],
];

export function Overview() {
  const snapshot = useSnapshot();
  const state = useTableQuery(["range", "only"]);
  const range = RANGES.find(([name]) => name === state.query.filters.range)?.[0] ?? "5m";
  const history = useHistory(range);
  const choose = (next: Range) => {
    const { query, setQuery } = state;
    setQuery({ ...withFilter(query, "range", next === "5m" ? "" : next), page: query.page });
  };
  return (
    <Page
      title="Overview"
      loaded={snapshot}
      actions={<Segments label="Range of the charts" choices={RANGES} chosen={range} onChoose={choose} />}
    >
      {snapshot.data && <Remarks service={snapshot.data.service} />}
      <Tiles snapshot={snapshot.data} history={history.data} />
      <Charts history={history.data} problem={history.problem} />
      <OverviewPartitions state={state} />
    </Page>
  );
}
