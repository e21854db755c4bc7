import { type Line, dashOf } from "../chart_options";

interface Props {
  lines: readonly Line[];
  /** The value at the pointer; undefined while it is elsewhere. */
  valueAt: (line: Line) => string | undefined;
}

/** Which line is which: colour and dash as in the chart. */
export function Legend({ lines, valueAt }: Props) {
  return (
    <span class="leg">
      {lines.map((line, index) => (
        <span key={line.name}>
          <svg class={line.color} viewBox="0 0 18 4" width="18" height="4" aria-hidden="true">
            <path d="M0 2H18" stroke-dasharray={dashOf(index).join(" ") || undefined} />
          </svg>
          {line.name}
          {valueAt(line) !== undefined && <b>{valueAt(line)}</b>}
        </span>
      ))}
    </span>
  );
}
