import { describe, expect, it } from "vitest";
import { fitted } from "../src/pages/learn/group_drawing";
import { balance } from "../src/pages/learn/group_lesson";
import { newest } from "../src/pages/learn/log_lesson";
import { placeOf } from "../src/pages/learn/replicas_lesson";

describe("what the lessons say", () => {
  it("tells idle consumers from those that share", () => {
    expect(balance(3, 2, 1)).toBe("3 consumers for 2 partitions: one is idle, and takes over when another one goes");
    expect(balance(2, 2, 0)).toContain("each has one");
    expect(balance(1, 4, 0)).toContain("some have several");
    expect(balance(0, 0, 0)).toContain("nobody consumes");
  });

  it("shows the newest offsets, and none before the beginning", () => {
    expect(newest(998, 1000, 6)).toEqual([998, 999]);
    expect(newest(0, 1000, 3)).toEqual([997, 998, 999]);
    expect(newest(5, 5, 3)).toEqual([]);
  });

  it("knows what a broker is to a partition", () => {
    const partition = { partition: 0, leader: 1, replicas: [1, 2, 3], isr: [1, 2], begin: 0, end: 0 };
    expect([1, 2, 3, 4].map((broker) => placeOf(partition, broker))).toEqual(["leader", "in sync", "behind", ""]);
  });

  it("keeps the end of a long name, which tells partitions apart", () => {
    expect(fitted("short-0")).toBe("short-0");
    expect(fitted(`${"x".repeat(40)}-17`)).toMatch(/^….{25}$/);
    expect(fitted(`${"x".repeat(40)}-17`)).toContain("-17");
  });
});
