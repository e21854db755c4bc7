import { useMemo, useState } from "preact/hooks";
import type uPlot from "uplot";
import type { Line } from "../chart_options";
import { described } from "../described";
import { UNKNOWN } from "../format";
import { usePlot } from "../use_plot";
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

/** Lines over time, with a legend that tells the values at the pointer, and the same as a table. */
export function Chart({ title, at, lines, write, empty = "Nothing was measured in this time." }: Props) {
  const [index, setIndex] = useState<number | null>(null);
  const [asTable, setAsTable] = useState(false);
  const data = useMemo(() => [[...at], ...lines.map((line) => line.values)] as uPlot.AlignedData, [at, lines]);
  const known = lines.some((line) => line.values.some((value) => value !== null));
  const holder = usePlot({ lines, data, write, shown: known && !asTable, onPoint: setIndex });
  return (
    <figure>
      <figcaption>
        <span>{title}</span>
        <Legend lines={lines} valueAt={(line) => (index === null ? undefined : written(line.values[index], write))} />
        <button type="button" class="quiet" aria-pressed={asTable} onClick={() => setAsTable(!asTable)}>
          <span class="hidden">{title} as a </span>table
        </button>
      </figcaption>
      {asTable && <ChartTable title={title} at={at} lines={lines} write={write} />}
      {!asTable && known && <div class="chart" ref={holder} role="img" aria-label={described(title, lines, write)} />}
      {!asTable && !known && <p class="chart empty">{empty}</p>}
    </figure>
  );
}

function written(value: number | null | undefined, write: (value: number) => string): string {
  return value === null || value === undefined ? UNKNOWN : write(value);
}
