import { useNow } from "../clock";
import { absolute, relative } from "../format";

/** `8 s ago`, the absolute time on hover. */
export function RelativeTime({ time }: { time: string | null | undefined }) {
  const now = useNow();
  return (
    <time dateTime={time ?? undefined} title={absolute(time)}>
      {relative(time, now)}
    </time>
  );
}
