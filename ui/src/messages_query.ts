// Which messages a viewer looks at, kept in the page's address.
export type From = "newest" | "oldest" | "offset" | "timestamp";
export type Place = "key" | "value" | "headers";
export const PLACES: readonly Place[] = ["key", "value", "headers"];

export interface Looking {
  from: From;
  /** Empty = all partitions. */
  partition: string;
  offset: string;
  /** As the browser's field for times writes it: local time. */
  time: string;
  search: string;
  places: readonly Place[];
  uncommitted: boolean;
}

const FROM: readonly From[] = ["newest", "oldest", "offset", "timestamp"];
const NUMBER = /^\d+$/;

/** A place without more (`?partition=2&offset=5`) begins there. */
export function readLooking(search: string): Looking {
  const parameters = new URLSearchParams(search);
  const offset = parameters.get("offset") ?? "";
  const places = (parameters.get("in") ?? "").split(",");
  const chosen = PLACES.filter((place) => places.includes(place));
  return {
    from: FROM.find((from) => from === parameters.get("from")) ?? (offset ? "offset" : "newest"),
    partition: parameters.get("partition") ?? "",
    offset,
    time: parameters.get("time") ?? "",
    search: parameters.get("search") ?? "",
    places: chosen.length > 0 ? chosen : PLACES,
    uncommitted: parameters.get("uncommitted") === "yes",
  };
}

export function writeLooking(looking: Looking): Record<string, string> {
  const { from, partition, offset, time, search, places, uncommitted } = looking;
  return {
    ...(from !== "newest" && { from }),
    ...(partition && { partition }),
    ...(from === "offset" && offset && { offset }),
    ...(from === "timestamp" && time && { time }),
    ...(search && { search }),
    ...(search && places.length < PLACES.length && { in: places.join() }),
    ...(uncommitted && { uncommitted: "yes" }),
  };
}

export type Cursor = { before: string } | { after: string };

/** What the service is asked; null while an offset or a time is still to be typed. */
export function askFor(looking: Looking, cursor: Cursor | null): Record<string, string> | null {
  const { from, partition, offset, time, search, places, uncommitted } = looking;
  const start: Record<string, string> = { from };
  if (from === "offset") {
    if (!NUMBER.test(offset)) return null;
    start.offset = offset;
  }
  if (from === "timestamp") {
    const at = new Date(time).getTime();
    if (Number.isNaN(at)) return null;
    start.timestamp = String(at);
  }
  return {
    ...(cursor ?? start),
    ...(partition && { partition }),
    ...(search && { search, in: places.join() }),
    ...(uncommitted && { isolation: "read_uncommitted" }),
  };
}
