import { expect, test } from "vitest";
import { jsonTokens, pretty } from "../src/json_tokens";

test("pieces of JSON have their kinds, and together are the text", () => {
  const text = '{"id": 12, "ok": true, "name": "a \\"b\\": c", "none": null}';
  const tokens = jsonTokens(text);
  const ofKind = (kind: string) => tokens.filter((token) => token.kind === kind).map((token) => token.text);
  expect(tokens.map((token) => token.text).join("")).toBe(text);
  expect(ofKind("key")).toEqual(['"id"', '"ok"', '"name"', '"none"']);
  expect(ofKind("number")).toEqual(["12"]);
  expect(ofKind("word")).toEqual(["true", "null"]);
});

test("text that is not JSON stays whole", () => {
  expect(jsonTokens("hello there")).toEqual([{ kind: "plain", text: "hello there" }]);
  expect(pretty("{broken")).toBeNull();
});

test("indenting changes no number, also where a double could not hold it", () => {
  expect(pretty('{"id":9007199254740993,"l":[1,[],{}],"t":"a,b: {c}"}')).toBe(
    '{\n  "id": 9007199254740993,\n  "l": [\n    1,\n    [],\n    {}\n  ],\n  "t": "a,b: {c}"\n}',
  );
  expect(pretty("17")).toBe("17");
});
