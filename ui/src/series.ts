// Small sums over series of history.
import type { Series, Trend } from "./documents";

export function sum(values: Series): number {
  return values.reduce<number>((total, value) => total + (value ?? 0), 0);
}

function mean(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0) / values.length;
}

const LEAST_POINTS = 6;
const CHANGE = 0.2;

/** Compares the newest third with the oldest; null where too little is known. A change of a fifth counts. */
export function trendOf(values: Series): Trend | null {
  const known = values.filter((value): value is number => value !== null);
  if (known.length < LEAST_POINTS) return null;
  const third = Math.floor(known.length / 3);
  const [before, now] = [mean(known.slice(0, third)), mean(known.slice(-third))];
  const most = Math.max(before, now);
  if (most < 1 || Math.abs(now - before) < CHANGE * most) return "steady";
  return now > before ? "growing" : "shrinking";
}

/** As `sum`, but null where one is not known: for numbers that would be wrong without it. */
export function total(values: Series): number | null {
  return values.some((value) => value === null) ? null : sum(values);
}
