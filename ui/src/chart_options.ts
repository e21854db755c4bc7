// How uPlot draws a chart of ours: colours of the theme, dashes to tell lines apart without hue, quiet axes.
import type uPlot from "uplot";
import { UNKNOWN } from "./format";

export interface Line {
  name: string;
  values: (number | null)[];
  /** One of the series colours of tokens.css: `c1` to `c6`, or a tone such as `bad`. */
  color: string;
}

const DASHES: readonly number[][] = [[], [5, 3], [2, 3], [9, 3, 2, 3], [12, 4], [4, 2, 1, 2]];
const FONT = '11px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';
const TICK_SPACE_PX = 64;
const X_AXIS_PX = 26;
const LEAST_Y_AXIS_PX = 36;
const LETTER_PX = 6.5;

/** The dash of the line at `index`, as uPlot and SVG take it; empty = solid. */
export function dashOf(index: number): readonly number[] {
  return DASHES[index % DASHES.length] ?? [];
}

/** Gives a colour of tokens.css as the browser works it out now. */
export type Paint = (token: string) => string;

function axis(paint: Paint): uPlot.Axis {
  return {
    stroke: () => paint("ink-3"),
    font: FONT,
    grid: { stroke: () => paint("line"), width: 1 },
    ticks: { show: false },
  };
}

function longest(values: readonly string[]): number {
  return Math.max(0, ...values.map((value) => value.length));
}

/** From zero, and never flat: a line of zeros lies at the bottom. */
export function verticalRange(_: uPlot, low: number | null, high: number | null): uPlot.Range.MinMax {
  const top = Math.max(high ?? 0, 0);
  return [Math.min(low ?? 0, 0), top === 0 ? 1 : top * 1.1];
}

export function chartOptions(
  lines: readonly Pick<Line, "name" | "color">[],
  write: (value: number) => string,
  paint: Paint,
  size: { width: number; height: number },
): uPlot.Options {
  return {
    ...size,
    legend: { show: false },
    cursor: { y: false, points: { size: 7 }, drag: { x: false, y: false }, sync: { key: "overview" } },
    padding: [8, 18, 0, 0],
    scales: { y: { range: verticalRange } },
    axes: [
      { ...axis(paint), size: X_AXIS_PX, gap: 6, space: TICK_SPACE_PX, grid: { show: false }, values: (_, at) => at.map(clockTime(at)) },
      {
        ...axis(paint),
        size: (_, values) => Math.max(LEAST_Y_AXIS_PX, longest(values ?? []) * LETTER_PX + 14),
        values: (_, values) => values.map((value) => (value === null ? UNKNOWN : write(value))),
      },
    ],
    series: [
      {},
      ...lines.map((line, index) => ({
        label: line.name,
        stroke: () => paint(line.color),
        width: 1.6,
        dash: [...dashOf(index)],
        points: { show: false },
        spanGaps: false,
      })),
    ],
  };
}

const DAY_S = 86_400;

/** Writes a moment as fine as the distance between the ticks asks for. */
export function clockTime(ticks: readonly number[]): (at: number) => string {
  const step = (ticks[1] ?? 0) - (ticks[0] ?? 0);
  return (at) => {
    const time = new Date(at * 1000);
    if (step >= DAY_S) return time.toLocaleDateString("en-GB", { day: "numeric", month: "short" });
    const fine = step < 60 ? ({ second: "2-digit" } as const) : {};
    return time.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", ...fine });
  };
}
