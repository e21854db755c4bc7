import { RelativeTime } from "../../components/relative_time";
import { Tile } from "../../components/tile";
import type { History, SeriesName, Snapshot } from "../../documents";
import { UNKNOWN, count, counted, duration, milliseconds, rate } from "../../format";
import { sum, trendOf } from "../../series";

interface Props {
  snapshot: Snapshot | null;
  history: History | null;
}

const SPANS = { "5m": "in 5 min", "1h": "in 1 h", "24h": "in 24 h", "7d": "in 7 d" };

export function Tiles({ snapshot, history }: Props) {
  const course = (name: SeriesName) => history?.series[name];
  return (
    <section class="tiles" aria-label="Now">
      <Produced snapshot={snapshot} values={course("produced_per_s")} />
      <Consumed snapshot={snapshot} values={course("consumed_per_s")} />
      <Lag snapshot={snapshot} values={course("lag")} />
      <Errors snapshot={snapshot} history={history} />
      <Retrying snapshot={snapshot} values={course("retries")} />
      <DeadLetters snapshot={snapshot} history={history} />
    </section>
  );
}

interface Part {
  snapshot: Snapshot | null;
  values?: (number | null)[] | undefined;
}

function Produced({ snapshot, values }: Part) {
  const produce = snapshot?.produce;
  const p99 = produce?.ack_ms.p99;
  const note = p99 === null || p99 === undefined ? "nothing acknowledged lately" : `p99 ${milliseconds(p99)} to acknowledge`;
  return (
    <Tile
      name="Produced"
      value={rate(produce?.per_s.delivered)}
      exact={`${produce?.delivered ?? UNKNOWN} since the start`}
      unit="/s"
      note={note}
      to="/produce"
      values={values}
    />
  );
}

function Consumed({ snapshot, values }: Part) {
  const consume = snapshot?.consume;
  const busy = partitionsOf(snapshot).filter((row) => row.job_running_s !== null).length;
  const assigned = partitionsOf(snapshot).length;
  return (
    <Tile
      name="Consumed"
      value={rate(consume?.per_s.messages)}
      exact={`${consume?.totals.messages ?? UNKNOWN} since the start`}
      unit="/s"
      note={busy > 0 ? `${counted(busy, "partition")} working` : `${counted(assigned, "partition")} assigned`}
      to="/consumers"
      values={values}
      color="c3"
    />
  );
}

function Lag({ snapshot, values }: Part) {
  const consume = snapshot?.consume;
  const lag = consume?.lag ?? null;
  const behind = consume?.lag_s ?? null;
  const parts = [behind === null ? null : behind === 0 ? "at the end" : `≈ ${duration(behind)} behind`, trendOf(values ?? [])];
  return (
    <Tile
      name="Lag"
      value={count(lag)}
      unit="records"
      note={parts.filter(Boolean).join(" · ") || UNKNOWN}
      to="/health?sort=-lag"
      values={values}
      color="c2"
    />
  );
}

function Errors({ snapshot, history }: Props) {
  const values = history?.series.errors;
  const inRange = history && values ? sum(values) : null;
  const kinds = new Set(snapshot?.errors.map(({ class: name, group, topic, partition }) => [name, group, topic, partition].join("\n"))).size;
  const last = snapshot?.errors[0]?.at;
  return (
    <Tile
      name="Errors"
      value={count(inRange ?? snapshot?.consume.totals.errors)}
      exact={`${snapshot?.consume.totals.errors ?? UNKNOWN} since the start`}
      unit={history && inRange !== null ? SPANS[history.range] : "since start"}
      note={
        last ? (
          <>
            {counted(kinds, "kind")} · last <RelativeTime time={last} />
          </>
        ) : (
          "none so far"
        )
      }
      to="/errors"
      values={values}
      color="bad"
    />
  );
}

function Retrying({ snapshot, values }: Part) {
  const waiting = partitionsOf(snapshot).filter((row) => row.state === "retrying");
  const first = waiting.toSorted((a, b) => (a.next_retry_at ?? "").localeCompare(b.next_retry_at ?? ""))[0];
  return (
    <Tile
      name="Waiting to retry"
      value={count(snapshot ? waiting.length : null)}
      unit={waiting.length === 1 ? "partition" : "partitions"}
      note={
        first ? (
          <>
            {first.topic}-{first.partition} · next <RelativeTime time={first.next_retry_at} />
          </>
        ) : (
          "nothing waits"
        )
      }
      to="/health?state=retrying"
      values={values}
      color="warn"
    />
  );
}

function DeadLetters({ snapshot, history }: Props) {
  const values = history?.series.dead;
  const topics = snapshot?.dead_letters.filter((letters) => letters.dispatched > 0) ?? [];
  return (
    <Tile
      name="Dead letters"
      value={count(snapshot?.consume.totals.dead)}
      unit="since start"
      note={topics.length > 0 ? topics.map((letters) => letters.topic).join(", ") : "none dispatched"}
      to="/dead-letters"
      values={values}
      color="c4"
    />
  );
}

function partitionsOf(snapshot: Snapshot | null) {
  return snapshot?.consume.groups.flatMap((group) => group.partitions) ?? [];
}
