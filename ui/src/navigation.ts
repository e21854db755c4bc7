// The pages in the order of the navigation, and the numbers beside their names.
import type { Snapshot } from "./documents";
import { counted } from "./format";
import type { Tone } from "./states";

export const NAVIGATION: readonly (readonly [string, string])[] = [
  ["/", "Overview"],
  ["/produce", "Produce"],
  ["/consumers", "Consumers"],
  ["/health", "Health"],
  ["/jobs", "Jobs"],
  ["/routing", "Routing"],
  ["/topics", "Topics"],
  ["/errors", "Errors"],
  ["/dead-letters", "Dead letters"],
  ["/cluster", "Cluster"],
  ["/status", "Status"],
  ["/learn", "Learn"],
];

export interface Badge {
  count: number;
  text: string;
  tone: Tone;
}

/** What waits on which page; pages where nothing does are left out. */
export function badges(snapshot: Snapshot): Record<string, Badge> {
  const partitions = snapshot.consume.groups.flatMap((group) => group.partitions);
  const troubled = partitions.filter(({ state }) => state === "retrying" || state === "paused").length;
  const { fleet, errors, consume, service } = snapshot;
  const all: [string, number, string, Tone][] = [
    ["/consumers", fleet.instances > 1 ? fleet.instances : 0, "instance", "idle"],
    ["/health", troubled, "troubled partition", "warn"],
    ["/errors", errors.length, "recent error", "bad"],
    ["/dead-letters", consume.totals.dead, "dead letter", "bad"],
    ["/status", service.reasons.length, "reason to look", "warn"],
  ];
  const waiting = all.filter(([, many]) => many > 0);
  return Object.fromEntries(waiting.map(([path, many, thing, tone]) => [path, { count: many, text: counted(many, thing), tone }]));
}
