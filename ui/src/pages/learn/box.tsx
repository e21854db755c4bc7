interface Props {
  x: number;
  y: number;
  width: number;
  height: number;
  /** Filled, as the one that matters. */
  strong?: boolean;
  /** Drawn with a broken line, as something that is missing or waits. */
  broken?: boolean;
  /** Lines of text, from the top. */
  children: readonly string[];
}

const LINE = 17;

/** A box with a few words in it; part of a drawing. */
export function Box({ x, y, width, height, strong, broken, children }: Props) {
  const lines = children.filter((line) => line !== "");
  const first = y + height / 2 - ((lines.length - 1) * LINE) / 2 + 4;
  return (
    <g class={strong ? "box strong" : broken ? "box broken" : "box"}>
      <rect x={x} y={y} width={width} height={height} rx={7} />
      {lines.map((line, index) => (
        <text key={line} x={x + width / 2} y={first + index * LINE} text-anchor="middle">
          {line}
        </text>
      ))}
    </g>
  );
}
