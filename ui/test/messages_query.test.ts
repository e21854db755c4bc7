import { expect, test } from "vitest";
import { readConfig } from "../src/config_text";
import { PLACES, askFor, readLooking, writeLooking } from "../src/messages_query";
import { total } from "../src/series";

test("an address without a word looks at the newest of all partitions", () => {
  const looking = readLooking("");
  expect(looking).toMatchObject({ from: "newest", partition: "", search: "", places: PLACES, uncommitted: false });
  expect(askFor(looking, null)).toEqual({ from: "newest" });
  expect(writeLooking(looking)).toEqual({});
});

test("a partition and an offset alone lead to that message", () => {
  const looking = readLooking("partition=2&offset=118204");
  expect(looking.from).toBe("offset");
  expect(askFor(looking, null)).toEqual({ from: "offset", offset: "118204", partition: "2" });
});

test("a search is kept in the address with its places", () => {
  const search = "search=abc&in=key%2Cheaders&uncommitted=yes";
  const looking = readLooking(search);
  expect(new URLSearchParams(writeLooking(looking)).toString()).toBe(search);
  expect(askFor(looking, null)).toEqual({ from: "newest", search: "abc", in: "key,headers", isolation: "read_uncommitted" });
});

test("a cursor takes the place of the start", () => {
  expect(askFor(readLooking("from=oldest&partition=1"), { after: "c" })).toEqual({ after: "c", partition: "1" });
});

test("nothing is asked while an offset or a time is still to be typed", () => {
  expect(askFor(readLooking("from=offset"), null)).toBeNull();
  expect(askFor(readLooking("from=timestamp&time=x"), null)).toBeNull();
  expect(askFor(readLooking("from=timestamp&time=2026-01-05T10:00:00Z"), null)).toEqual({ from: "timestamp", timestamp: "1767607200000" });
});

test("configuration is read line by line, and what is none is told", () => {
  expect(readConfig(" retention.ms = 5 \n\ncleanup.policy=compact,delete\nnonsense")).toEqual({
    config: { "retention.ms": "5", "cleanup.policy": "compact,delete" },
    wrong: ["nonsense"],
  });
});

test("a total is not known where a part is not", () => {
  expect(total([1, 2])).toBe(3);
  expect(total([1, null])).toBeNull();
});
