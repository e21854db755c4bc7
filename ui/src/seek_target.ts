// Where a group is to go on, as a viewer says it and as the service takes it.
export type Target = "earliest" | "latest" | "offset" | "timestamp";
export type SeekTo = "earliest" | "latest" | { offset: number } | { timestamp: number };

/** Null while what was typed is no offset and no time. */
export function targetOf(kind: Target, text: string): SeekTo | null {
  if (kind === "earliest" || kind === "latest") return kind;
  if (kind === "offset") return /^\d+$/.test(text.trim()) ? { offset: Number(text) } : null;
  const time = new Date(text).getTime();
  return Number.isNaN(time) ? null : { timestamp: time };
}
