import { expect, test } from "vitest";
import { bytesOfHex, hexDump } from "../src/hex_dump";

test("bytes stand as offset, digits and text", () => {
  const dump = hexDump(new TextEncoder().encode("hello, demijohn!\n"));
  expect(dump).toBe(
    "000000  68 65 6c 6c 6f 2c 20 64 65 6d 69 6a 6f 68 6e 21  hello, demijohn!\n" + `000010  0a${" ".repeat(45)}  .`,
  );
});

test("digits are read with and without blanks", () => {
  expect([...bytesOfHex("00ff 0a")]).toEqual([0, 255, 10]);
  expect([...bytesOfHex("")]).toEqual([]);
});
