import { type Line, clockTime } from "../chart_options";
import { UNKNOWN } from "../format";

interface Props {
  title: string;
  at: readonly number[];
  lines: readonly Line[];
  write: (value: number) => string;
}

/** The figures of a chart, newest first. */
export function ChartTable({ title, at, lines, write }: Props) {
  const time = clockTime(at);
  const newest = at.map((_, index) => at.length - 1 - index);
  return (
    <div class="chart scroll" tabIndex={0} role="region" aria-label={`${title}, as a table`}>
      <table>
        <thead>
          <tr>
            <th scope="col">Time</th>
            {lines.map((line) => (
              <th key={line.name} scope="col" class="num">
                {line.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {newest.map((index) => (
            <tr key={index}>
              <th scope="row">{time(at[index] ?? 0)}</th>
              {lines.map((line) => {
                const value = line.values[index] ?? null;
                return (
                  <td key={line.name} class="num">
                    {value === null ? UNKNOWN : write(value)}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
