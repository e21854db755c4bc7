import { type Unit, UNKNOWN, bytes, count, duration, milliseconds, rate, share } from "../format";

const WRITE: Record<Unit, (value: number) => string> = {
  count, rate, bytes, seconds: duration, ms: milliseconds, percent: share,
};
const EXACT: Record<Unit, string> = { count: "", rate: " per second", bytes: " bytes", seconds: " s", ms: " ms", percent: " of 1" };

/** A number in units that people read, the exact one on hover. */
export function Quantity({ value, unit = "count" }: { value: number | null | undefined; unit?: Unit }) {
  if (value === null || value === undefined) return <span title="not known">{UNKNOWN}</span>;
  return (
    <data value={value} title={`${value}${EXACT[unit]}`}>
      {WRITE[unit](value)}
    </data>
  );
}
