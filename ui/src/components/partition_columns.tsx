import type { PartitionRow, Trend } from "../documents";
import { counted } from "../format";
import { PageLink } from "./page_link";
import { Quantity } from "./quantity";
import { RelativeTime } from "./relative_time";
import { StateChip } from "./state_chip";
import type { Column } from "./table_head";

const ARROWS: Record<Trend, string> = { growing: "▲", shrinking: "▼", steady: "–" };

/** Where a number goes, as an arrow with a word for it. */
export function TrendMark({ trend }: { trend: Trend | null }) {
  if (!trend) return null;
  return (
    <span class={`trend ${trend}`} role="img" aria-label={trend} title={trend}>
      {ARROWS[trend]}
    </span>
  );
}

/** What is going on with a partition, in a few words. */
export function PartitionNote({ row }: { row: PartitionRow }) {
  if (row.paused_by) return <>by {row.paused_by}</>;
  if (row.state === "retrying") {
    return (
      <>
        attempt {row.attempt} · next <RelativeTime time={row.next_retry_at} />
      </>
    );
  }
  if (row.job_running_s !== null) {
    return (
      <>
        works for <Quantity value={row.job_running_s} unit="seconds" />
      </>
    );
  }
  if (row.lag === 0) return <>waiting for records</>;
  return <>{row.lag === null ? "" : counted(row.lag, "record") + " to go"}</>;
}

export function topicPath(topic: string): string {
  return `/topics/${encodeURIComponent(topic)}`;
}

export function partitionKey(row: PartitionRow): string {
  return `${row.instance}/${row.group}/${row.topic}/${row.partition}`;
}

export const PARTITION_COLUMNS: readonly Column<PartitionRow>[] = [
  {
    title: "Partition",
    sort: "topic",
    cell: (row) => (
      <>
        <PageLink to={topicPath(row.topic)}>{row.topic}</PageLink>-{row.partition}
      </>
    ),
  },
  { title: "Consumer", sort: "consumer", class: "wide", cell: (row) => row.consumer ?? "–" },
  { title: "State", sort: "state", cell: (row) => <StateChip state={row.state} /> },
  { title: "Committed", sort: "committed", class: "num wide", cell: (row) => <Quantity value={row.committed} /> },
  { title: "End", sort: "end", class: "num wide", cell: (row) => <Quantity value={row.end} /> },
  {
    title: "Lag",
    sort: "lag",
    class: "num strong",
    cell: (row) => (
      <>
        <Quantity value={row.lag} /> <TrendMark trend={row.trend} />
      </>
    ),
  },
  { title: "Behind", sort: "lag_s", class: "num", cell: (row) => <Quantity value={row.lag_s} unit="seconds" /> },
  { title: "Note", class: "note", cell: (row) => <PartitionNote row={row} /> },
];
