import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { type Line, type Paint, chartOptions } from "../chart_options";
import { UNKNOWN } from "../format";
import { ChartTable } from "./chart_table";
import { Legend } from "./legend";

interface Props {
  title: string;
  /** Seconds since 1970. */
  at: readonly number[];
  lines: readonly Line[];
  write: (value: number) => string;
  empty?: string;
}

const HEIGHT = 176;

/** Works out colours of tokens.css below `parent`, until the theme changes. */
function makePaint(parent: HTMLElement): Paint {
  const known = new Map<string, string>();
  const probe = document.createElement("i");
  probe.hidden = true;
  parent.append(probe);
  return (token) => {
    const found = known.get(token);
    if (found !== undefined) return found;
    probe.style.color = `var(--${token})`;
    const color = getComputedStyle(probe).color;
    known.set(token, color);
    return color;
  };
}

/** Counts the changes of the theme: whoever draws colours by hand draws anew then. */
function useThemeChanges(): number {
  const [changes, setChanges] = useState(0);
  useEffect(() => {
    const changed = () => setChanges((count) => count + 1);
    const system = matchMedia("(prefers-color-scheme: dark)");
    document.addEventListener("themechange", changed);
    system.addEventListener("change", changed);
    return () => {
      document.removeEventListener("themechange", changed);
      system.removeEventListener("change", changed);
    };
  }, []);
  return changes;
}

/** What the lines show, for those who do not see them. */
export function described(title: string, lines: readonly Line[], write: (value: number) => string): string {
  const parts = lines.map((line) => {
    const known = line.values.filter((value): value is number => value !== null);
    if (known.length === 0) return `${line.name}: not known`;
    const [low, high, last] = [Math.min(...known), Math.max(...known), known.at(-1) ?? 0];
    return `${line.name}: now ${write(last)}, between ${write(low)} and ${write(high)}`;
  });
  return `${title}. ${parts.join("; ")}`;
}

/** Lines over time, with a legend that tells the values at the pointer, and the same as a table. */
export function Chart({ title, at, lines, write, empty = "Nothing was measured in this time." }: Props) {
  const holder = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [index, setIndex] = useState<number | null>(null);
  const [asTable, setAsTable] = useState(false);
  const theme = useThemeChanges();
  const shape = lines.map((line) => `${line.name}/${line.color}`).join("|");
  const data = useMemo(() => [[...at], ...lines.map((line) => line.values)] as uPlot.AlignedData, [at, lines]);
  const known = lines.some((line) => line.values.some((value) => value !== null));

  useEffect(() => {
    const parent = holder.current;
    if (!parent || asTable || !known) return undefined;
    const size = { width: parent.clientWidth, height: HEIGHT };
    const options = chartOptions(lines, write, makePaint(parent), size);
    const hooks = { setCursor: [(self: uPlot) => setIndex(self.cursor.idx ?? null)] };
    const drawn = new uPlot({ ...options, hooks }, data, parent);
    plot.current = drawn;
    const observer = new ResizeObserver(() => drawn.setSize({ width: parent.clientWidth, height: HEIGHT }));
    observer.observe(parent);
    return () => {
      observer.disconnect();
      drawn.destroy();
      parent.replaceChildren();
      plot.current = null;
    };
  }, [shape, theme, asTable, known]);
  useEffect(() => plot.current?.setData(data), [data]);

  const valueAt = (line: Line) => {
    const value = index === null ? null : line.values[index];
    return index === null ? undefined : value === null || value === undefined ? UNKNOWN : write(value);
  };
  return (
    <figure>
      <figcaption>
        <span>{title}</span>
        <Legend lines={lines} valueAt={valueAt} />
        <button type="button" class="quiet" aria-pressed={asTable} onClick={() => setAsTable(!asTable)}>
          <span class="hidden">{title} as a </span>table
        </button>
      </figcaption>
      {asTable ? (
        <ChartTable title={title} at={at} lines={lines} write={write} />
      ) : known ? (
        <div class="chart" ref={holder} role="img" aria-label={described(title, lines, write)} />
      ) : (
        <p class="chart empty">{empty}</p>
      )}
    </figure>
  );
}
