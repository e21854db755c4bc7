import { useMemo } from "preact/hooks";
import type { Problem } from "../../api";
import type { Line } from "../../chart_options";
import { Chart } from "../../components/chart";
import { ProblemBanner } from "../../components/problem_banner";
import type { History, SeriesName } from "../../documents";
import { bytes, duration, milliseconds, short } from "../../format";

interface Plan {
  title: string;
  write: (value: number) => string;
  lines: readonly (readonly [SeriesName, string, string])[];
}

const RATES: Plan = {
  title: "Messages per second",
  write: short,
  lines: [["produced_per_s", "produced", "c1"], ["consumed_per_s", "consumed", "c3"]],
};
const OTHERS: readonly Plan[] = [
  {
    title: "Errors, retries, dead letters",
    write: short,
    lines: [["errors", "errors", "bad"], ["retries", "retries", "warn"], ["dead", "dead", "c4"]],
  },
  {
    title: "Time to acknowledge",
    write: milliseconds,
    lines: [["ack_p50_ms", "p50", "c1"], ["ack_p99_ms", "p99", "c2"]],
  },
  { title: "Memory", write: bytes, lines: [["rss_bytes", "resident", "c6"]] },
];
const TOPIC_COLORS = ["c2", "c6", "c5", "c4", "c3", "c1"] as const;
const NO_TIMES: readonly number[] = [];

function linesOf(history: History | null, plan: Plan): Line[] {
  return plan.lines.map(([member, name, color]) => ({ name, color, values: history?.series[member] ?? [] }));
}

function topicLines(history: History | null, member: "lag" | "lag_s"): Line[] {
  const topics = Object.entries(history?.by_topic ?? {}).slice(0, TOPIC_COLORS.length);
  return topics.map(([name, values], index) => ({ name, color: TOPIC_COLORS[index] ?? "c1", values: values[member] }));
}

/** The course of things over the chosen range. */
export function Charts({ history, problem }: { history: History | null; problem: Problem | null }) {
  const at = history?.at ?? NO_TIMES;
  const rates = useMemo(() => linesOf(history, RATES), [history]);
  const lag = useMemo(() => topicLines(history, "lag"), [history]);
  const behind = useMemo(() => topicLines(history, "lag_s"), [history]);
  const others = useMemo(() => OTHERS.map((plan) => linesOf(history, plan)), [history]);
  return (
    <>
      <ProblemBanner problem={problem} />
      <section class="charts" aria-label="Charts">
        <Chart title={RATES.title} at={at} lines={rates} write={RATES.write} />
        <Chart title="Lag, seconds" at={at} lines={behind} write={duration} />
        <Chart title="Lag, records" at={at} lines={lag} write={short} />
        {OTHERS.map((plan, index) => (
          <Chart key={plan.title} title={plan.title} at={at} lines={others[index] ?? []} write={plan.write} />
        ))}
      </section>
    </>
  );
}
