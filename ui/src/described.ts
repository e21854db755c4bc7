import type { Line } from "./chart_options";

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
