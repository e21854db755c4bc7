// Numbers, sizes and times for people. A dash stands for what is not known.
export const UNKNOWN = "–";

const grouped = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 0 });
const oneDigit = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 1 });

export type Unit = "count" | "rate" | "bytes" | "seconds" | "ms" | "percent";

/** `1,284`. */
export function count(value: number | null | undefined): string {
  return value === null || value === undefined ? UNKNOWN : grouped.format(value);
}

/** `1,284`, below ten `4.2`. */
export function rate(value: number | null | undefined): string {
  if (value === null || value === undefined) return UNKNOWN;
  return value < 10 ? oneDigit.format(value) : grouped.format(value);
}

/** `940`, `12.4 k`, `3.1 M`: for axes and narrow places. */
export function short(value: number | null | undefined): string {
  if (value === null || value === undefined) return UNKNOWN;
  for (const [unit, size] of [["G", 1e9], ["M", 1e6], ["k", 1e3]] as const) {
    if (Math.abs(value) >= size) return `${oneDigit.format(value / size)} ${unit}`;
  }
  return Number.isInteger(value) ? grouped.format(value) : oneDigit.format(value);
}

/** `94 MB`. */
export function bytes(value: number | null | undefined): string {
  if (value === null || value === undefined) return UNKNOWN;
  for (const [unit, size] of [["TB", 1e12], ["GB", 1e9], ["MB", 1e6], ["kB", 1e3]] as const) {
    if (value >= size) return `${(value / size >= 100 ? grouped : oneDigit).format(value / size)} ${unit}`;
  }
  return `${grouped.format(value)} B`;
}

/** `12 ms`, `2.6 s`, `41 min`, `3 h`, `2 d`. */
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined) return UNKNOWN;
  if (seconds === 0) return "0 s";
  if (seconds < 0.1) return `${oneDigit.format(seconds * 1000)} ms`;
  for (const [unit, size] of [["d", 86_400], ["h", 3600], ["min", 60]] as const) {
    if (seconds >= 2 * size) return `${grouped.format(seconds / size)} ${unit}`;
  }
  return `${(seconds < 10 ? oneDigit : grouped).format(seconds)} s`;
}

/** `4.9 ms`, `1.2 s`. */
export function milliseconds(value: number | null | undefined): string {
  if (value === null || value === undefined) return UNKNOWN;
  return value < 1000 ? `${(value < 10 ? oneDigit : grouped).format(value)} ms` : duration(value / 1000);
}

/** `38 %` of a share between 0 and 1. */
export function share(value: number | null | undefined): string {
  return value === null || value === undefined ? UNKNOWN : `${grouped.format(value * 100)} %`;
}

/** `8 s ago`, `in 6 s`, `now`. */
export function relative(time: string | null | undefined, nowMs: number): string {
  if (!time) return UNKNOWN;
  const seconds = (nowMs - Date.parse(time)) / 1000;
  if (Number.isNaN(seconds)) return time;
  if (Math.abs(seconds) < 1) return "now";
  const text = duration(Math.round(Math.abs(seconds)));
  return seconds < 0 ? `in ${text}` : `${text} ago`;
}

/** `2026-01-05 10:00:00.123 UTC`. */
export function absolute(time: string | null | undefined): string {
  if (!time) return "not known";
  const parsed = new Date(time);
  return Number.isNaN(parsed.getTime()) ? time : parsed.toISOString().replace("T", " ").replace("Z", " UTC");
}

/** `1 partition`, `2 partitions`. */
export function counted(value: number, thing: string, things = `${thing}s`): string {
  return `${count(value)} ${value === 1 ? thing : things}`;
}

/** The name of a class without the module it stands in. */
export function shortClass(name: string): string {
  return name.slice(name.lastIndexOf(".") + 1);
}

/** A word of the documents as it is read: `waiting_for_topics` → `waiting for topics`. */
export function words(name: string): string {
  return name.replaceAll("_", " ");
}
