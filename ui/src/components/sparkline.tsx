import type { Series } from "../documents";
import { sparkPath } from "../spark_path";

const WIDTH = 120;
const HEIGHT = 28;

/** The course of a number, for a glance: no axes, hidden from screen readers, which get the number itself. */
export function Sparkline({ values, color }: { values: Series; color: string }) {
  return (
    <svg class={`spark ${color}`} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
      <path d={sparkPath(values, WIDTH, HEIGHT)} />
    </svg>
  );
}
