import { UNKNOWN, share } from "../format";

/** A share between 0 and 1 as a bar with its number. */
export function ShareBar({ value, label }: { value: number | null; label: string }) {
  if (value === null) return <>{UNKNOWN}</>;
  return (
    <span class="share">
      <meter min={0} max={1} high={0.9} value={value} aria-label={label} /> {share(value)}
    </span>
  );
}
