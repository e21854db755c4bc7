import { expect, test } from "vitest";
import { Problem, problemOf, queryText } from "../src/api";
import { refreshOf, themeOf } from "../src/preferences";

test("a query leaves out what is empty and escapes the rest", () => {
  expect(queryText({ q: "a b&c", page: 2, none: null, empty: "", off: false, zero: 0 })).toBe("?q=a+b%26c&page=2&zero=0");
  expect(queryText({})).toBe("");
});

test("whatever was thrown becomes a problem", () => {
  const problem = new Problem({ status: 403, code: "forbidden", title: "Forbidden", detail: "needs the role read" });
  expect(problemOf(problem)).toBe(problem);
  expect(problem.message).toBe("needs the role read");
  expect(problemOf(new TypeError("Failed to fetch"))).toMatchObject({ status: 0, message: "Failed to fetch" });
});

test("remembered choices that are none are the defaults", () => {
  expect([themeOf("dark"), themeOf("pink"), themeOf(null)]).toEqual(["dark", "system", "system"]);
  expect([refreshOf("0"), refreshOf("10"), refreshOf("3"), refreshOf(null)]).toEqual([0, 10, 2, 2]);
});
