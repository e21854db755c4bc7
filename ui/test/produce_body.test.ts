import { expect, test } from "vitest";
import { EMPTY_DRAFT, bodyOf, checkPayload } from "../src/produce_body";
import { targetOf } from "../src/seek_target";
import { settingText, settingsOf } from "../src/settings_text";

const DRAFT = { ...EMPTY_DRAFT, topic: " payments " };

test("a JSON payload is sent as it was typed, every digit of it", () => {
  const body = bodyOf({ ...DRAFT, payload: ' {"id": 9007199254740993, "x": 1.0} ' });
  expect(body).toBe('{"topic":"payments","payload":{"id": 9007199254740993, "x": 1.0}}');
});

test("key, headers and encoding are there where they were given", () => {
  const headers = [["a", "1"], ["", "left out"], ["a", "2"]] as const;
  const body = JSON.parse(bodyOf({ ...DRAFT, key: "k", headers, payload: "hi", encoding: "text" })) as unknown;
  expect(body).toEqual({ topic: "payments", key: "k", headers: [["a", "1"], ["a", "2"]], payload: "hi", payload_encoding: "text" });
});

test("a tombstone is null whatever was typed, and needs a key", () => {
  const tombstone = { ...DRAFT, tombstone: true, payload: "{" };
  expect(bodyOf({ ...tombstone, key: "k" })).toBe('{"topic":"payments","key":"k","payload":null}');
  expect(checkPayload(tombstone, 100).ok).toBe(false);
  expect(checkPayload({ ...tombstone, key: "k" }, 100).ok).toBe(true);
});

test.each([
  ["{}", "json", true, "valid JSON, 2 bytes"],
  ["{", "json", false, "Not JSON"],
  ["", "json", false, "cannot be empty"],
  ["", "text", true, "0 bytes"],
  ["é", "text", true, "2 bytes"],
  ["aGk=", "base64", true, "2 bytes"],
  ["a_-", "base64", true, "2 bytes"],
  ["%", "base64", false, "not base64"],
  ["x".repeat(11), "text", false, "more than the 10"],
] as const)("%j as %s: %s, %s", (payload, encoding, ok, text) => {
  const verdict = checkPayload({ ...DRAFT, payload, encoding }, 10);
  expect(verdict).toEqual({ ok, text: expect.stringContaining(text) as string });
});

test("a place to go on is an offset or a time, or nothing yet", () => {
  expect(targetOf("earliest", "")).toBe("earliest");
  expect(targetOf("offset", "118204")).toEqual({ offset: 118204 });
  expect([targetOf("offset", "-1"), targetOf("offset", "1.5"), targetOf("timestamp", "")]).toEqual([null, null, null]);
  expect(targetOf("timestamp", "2026-01-05T10:00:00Z")).toEqual({ timestamp: Date.parse("2026-01-05T10:00:00Z") });
});

test("settings are read as people read them", () => {
  expect([null, "", true, false, [1, 2], [], "***"].map(settingText)).toEqual(["none", "none", "yes", "no", "1, 2", "none", "***"]);
  expect(settingText({ pause_ms: 5, exponential: true })).toBe("pause ms 5, exponential yes");
  expect(settingsOf({ max_messages: 5, keyed: null })).toEqual([["max messages", 5]]);
});
