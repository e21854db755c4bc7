import { expect, test } from "vitest";
import { clockTime, dashOf, verticalRange } from "../src/chart_options";
import { described } from "../src/described";
import { sum, trendOf } from "../src/series";
import { sparkPath } from "../src/spark_path";

test("a sum leaves out what is not known", () => expect(sum([1, null, 2])).toBe(3));

test.each([
  [[1, 1, 1, 9, 9, 9], "growing"],
  [[90, 80, 70, 20, 10, 10], "shrinking"],
  [[10, 10, 10, 11, 11, 11], "steady"],
  [[0, 0, 0, 0, 0, 0], "steady"],
  [[1, null, null, 2], null],
])("the trend of %j is %s", (values, trend) => expect(trendOf(values)).toBe(trend));

test("a line starts anew after a gap and fills the box", () => {
  expect(sparkPath([0, 10, null, 5], 120, 28)).toBe("M0.0 26.0L40.0 2.0M120.0 14.0");
  expect(sparkPath([null, null], 120, 28)).toBe("");
});

test("an axis begins at zero and is never flat", () => {
  const plot = {} as never;
  expect(verticalRange(plot, 0, 0)).toEqual([0, 1]);
  expect(verticalRange(plot, 3, 10)).toEqual([0, 11]);
  expect(verticalRange(plot, null, null)).toEqual([0, 1]);
});

test("neighbouring lines have different dashes", () => {
  const dashes = [0, 1, 2, 3, 4, 5].map((index) => dashOf(index).join());
  expect(new Set(dashes).size).toBe(6);
});

test("a chart is told in words", () => {
  const line = { name: "produced", color: "c1", values: [1, null, 5, 3] };
  const none = { name: "consumed", color: "c2", values: [null] };
  expect(described("Rates", [line, none], String)).toBe("Rates. produced: now 3, between 1 and 5; consumed: not known");
});

test("ticks tell seconds only where they are close", () => {
  expect(clockTime([0, 30])(0)).toMatch(/^\d\d:\d\d:\d\d$/);
  expect(clockTime([0, 3600])(0)).toMatch(/^\d\d:\d\d$/);
  expect(clockTime([0, 86_400])(43_200)).toBe("1 Jan");
});
