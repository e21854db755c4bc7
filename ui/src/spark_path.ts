import type { Series } from "./documents";

const MARGIN = 2;

/** The `d` of a line through `values`, scaled to the box from 0 (or the least value below it); a gap where a value is null. */
export function sparkPath(values: Series, width: number, height: number): string {
  const known = values.filter((value): value is number => value !== null);
  if (known.length === 0) return "";
  const low = Math.min(0, ...known);
  const high = Math.max(...known, low + 1e-9);
  const step = width / Math.max(1, values.length - 1);
  const y = (value: number) => height - MARGIN - ((value - low) / (high - low)) * (height - 2 * MARGIN);
  let pen = "M";
  return values
    .flatMap((value, index) => {
      if (value === null) {
        pen = "M";
        return [];
      }
      const point = `${pen}${(index * step).toFixed(1)} ${y(value).toFixed(1)}`;
      pen = "L";
      return [point];
    })
    .join("");
}
