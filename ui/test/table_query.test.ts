import { expect, test } from "vitest";
import { changed, directionOf, nextSort, parametersOf, readQuery, span, withFilter, writeQuery } from "../src/table_query";

const NAMES = ["group", "only"];

test("a query is read from an address, and written the same", () => {
  const search = "q=pay+eu&sort=-lag&page=3&group=demijohn";
  const query = readQuery(search, NAMES);
  expect(query).toEqual({ q: "pay eu", sort: "-lag", page: 3, filters: { group: "demijohn" } });
  expect(writeQuery(query)).toBe(search);
});

test("what the table does not know is left out, nonsense is the first page", () => {
  expect(readQuery("page=-1&other=1&only=", NAMES)).toEqual({ q: "", sort: "", page: 1, filters: {} });
  expect(readQuery("page=x", NAMES).page).toBe(1);
  expect(parametersOf(readQuery("", NAMES))).toEqual({});
});

test("another order, search or filter leads to the first page", () => {
  const query = readQuery("q=a&page=7&only=lag", NAMES);
  expect(changed(query, { sort: "-lag" })).toEqual({ ...query, page: 1, sort: "-lag" });
  expect(withFilter(query, "only", "").filters).toEqual({});
  expect(withFilter(query, "group", "g")).toEqual({ ...query, page: 1, filters: { only: "lag", group: "g" } });
});

test("a heading sorts descending first, then turns", () => {
  expect(nextSort("", "lag")).toBe("-lag");
  expect(nextSort("-lag", "lag")).toBe("lag");
  expect(nextSort("lag", "lag")).toBe("-lag");
  expect(["-lag", "lag", "-end"].map((sort) => directionOf(sort, "lag"))).toEqual(["descending", "ascending", "none"]);
});

test("a page tells its first and last row", () => {
  expect(span(1, 100, 0)).toEqual({ first: 0, last: 0, pages: 1 });
  expect(span(2, 100, 150)).toEqual({ first: 101, last: 150, pages: 2 });
});
