// A uPlot chart that lives as long as the element it is drawn in.
import { type RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { type Line, type Paint, chartOptions } from "./chart_options";

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

interface Drawing {
  lines: readonly Line[];
  data: uPlot.AlignedData;
  write: (value: number) => string;
  /** Whether there is anything to draw, and an element to draw it in. */
  shown: boolean;
  /** Told the index of the points at the pointer; null when it leaves. */
  onPoint: (index: number | null) => void;
}

/** Draws into the element of the returned reference; lines of other names or colours make a new chart. */
export function usePlot({ lines, data, write, shown, onPoint }: Drawing): RefObject<HTMLDivElement> {
  const holder = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const theme = useThemeChanges();
  const shape = lines.map((line) => `${line.name}/${line.color}`).join("|");
  useEffect(() => {
    const parent = holder.current;
    if (!parent || !shown) return undefined;
    const options = chartOptions(lines, write, makePaint(parent), { width: parent.clientWidth, height: HEIGHT });
    const hooks = { setCursor: [(self: uPlot) => onPoint(self.cursor.idx ?? null)] };
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
  }, [shape, theme, shown]);
  useEffect(() => plot.current?.setData(data), [data]);
  return holder;
}
