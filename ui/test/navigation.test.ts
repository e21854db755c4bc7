import { expect, test } from "vitest";
import type { Snapshot } from "../src/documents";
import { NAVIGATION, badges } from "../src/navigation";
import { toneOf } from "../src/states";

function snapshot(states: string[], dead: number, instances: number): Snapshot {
  const partitions = states.map((state, partition) => ({ topic: "t", partition, state }));
  return {
    service: { reasons: [] },
    errors: [{}, {}],
    fleet: { instances },
    consume: { totals: { dead }, groups: [{ partitions }] },
  } as unknown as Snapshot;
}

test("badges tell what waits, pages where nothing does have none", () => {
  const shown = badges(snapshot(["running", "retrying", "paused"], 3, 1));
  expect(shown["/health"]).toEqual({ count: 2, text: "2 troubled partitions", tone: "warn" });
  expect(shown["/dead-letters"]?.text).toBe("3 dead letters");
  expect(shown["/consumers"]).toBeUndefined();
  expect(badges(snapshot([], 0, 3))["/consumers"]?.text).toBe("3 instances");
});

test("every badge is on a page", () => {
  const paths = NAVIGATION.map(([path]) => path);
  expect(paths).toEqual(expect.arrayContaining(Object.keys(badges(snapshot(["paused"], 1, 2)))));
});

test("states have a tone, unknown ones a quiet one", () => {
  expect(["running", "degraded", "retrying", "new_word"].map(toneOf)).toEqual(["ok", "warn", "bad", "idle"]);
});
