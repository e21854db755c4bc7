import { describe, expect, test } from "vitest";
import { absolute, bytes, count, counted, duration, milliseconds, rate, relative, share, short, shortClass, words } from "../src/format";

const NOW = Date.parse("2026-01-05T10:00:00Z");

test("what is not known is a dash, never a zero", () => {
  for (const write of [count, rate, short, bytes, duration, milliseconds, share]) {
    expect(write(null)).toBe("–");
    expect(write(undefined)).toBe("–");
    expect(write(0)).toMatch(/^0/);
  }
});

test.each([[0, "0"], [1284, "1,284"], [118204, "118,204"]])("count(%d) is %s", (value, text) => expect(count(value)).toBe(text));
test.each([[4.23, "4.2"], [12.6, "13"], [1284.4, "1,284"]])("rate(%d) is %s", (value, text) => expect(rate(value)).toBe(text));
test.each([[940, "940"], [0.25, "0.3"], [12_400, "12.4 k"], [3_100_000, "3.1 M"], [2e9, "2 G"]])("short(%d) is %s", (value, text) =>
  expect(short(value)).toBe(text));
test.each([[512, "512 B"], [94_000_000, "94 MB"], [1_500, "1.5 kB"], [234_000_000_000, "234 GB"]])("bytes(%d) is %s", (value, text) =>
  expect(bytes(value)).toBe(text));
test.each([[0.012, "12 ms"], [2.6, "2.6 s"], [41, "41 s"], [119, "119 s"], [2460, "41 min"], [7200, "2 h"], [180_000, "2 d"]])(
  "duration(%d) is %s", (value, text) => expect(duration(value)).toBe(text));
test.each([[4.92, "4.9 ms"], [240, "240 ms"], [1200, "1.2 s"]])("milliseconds(%d) is %s", (value, text) =>
  expect(milliseconds(value)).toBe(text));

describe("times", () => {
  test.each([
    ["2026-01-05T09:59:52Z", "8 s ago"],
    ["2026-01-05T10:00:06Z", "in 6 s"],
    ["2026-01-05T09:59:59.5Z", "now"],
    ["2026-01-05T09:19:00Z", "41 min ago"],
    [null, "–"],
    ["nonsense", "nonsense"],
  ])("relative(%s) is %s", (time, text) => expect(relative(time, NOW)).toBe(text));

  test("the absolute time keeps its milliseconds", () => {
    expect(absolute("2026-01-05T10:00:00.123Z")).toBe("2026-01-05 10:00:00.123 UTC");
    expect(absolute(null)).toBe("not known");
  });
});

test("words for people", () => {
  expect(counted(1, "partition")).toBe("1 partition");
  expect(counted(2, "partition")).toBe("2 partitions");
  expect(shortClass("builtins.KeyError")).toBe("KeyError");
  expect(words("waiting_for_topics")).toBe("waiting for topics");
  expect(share(0.384)).toBe("38 %");
});
