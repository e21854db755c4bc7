// A message as it is typed into the form, and the body of `POST /produce` that it makes.
export type Encoding = "json" | "text" | "base64";
export type Mode = "sync" | "async";

export interface Draft {
  topic: string;
  key: string;
  headers: readonly (readonly [string, string])[];
  payload: string;
  encoding: Encoding;
  mode: Mode;
  tombstone: boolean;
}

export const EMPTY_DRAFT: Draft = {
  topic: "",
  key: "",
  headers: [],
  payload: '{\n  "ping": "pong"\n}',
  encoding: "json",
  mode: "sync",
  tombstone: false,
};

/** The body. A JSON payload goes into it as it was typed: parsing it would change large numbers. */
export function bodyOf(draft: Draft): string {
  const headers = draft.headers.filter(([name]) => name.trim() !== "");
  const members: [string, string][] = [["topic", JSON.stringify(draft.topic.trim())]];
  if (draft.key !== "") members.push(["key", JSON.stringify(draft.key)]);
  if (headers.length > 0) members.push(["headers", JSON.stringify(headers)]);
  members.push(["payload", payloadOf(draft)]);
  if (!draft.tombstone && draft.encoding !== "json") members.push(["payload_encoding", JSON.stringify(draft.encoding)]);
  return `{${members.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(",")}}`;
}

function payloadOf({ tombstone, encoding, payload }: Draft): string {
  if (tombstone) return "null";
  return encoding === "json" ? payload.trim() : JSON.stringify(payload);
}

export interface Verdict {
  ok: boolean;
  text: string;
}

/** What is to be said of the payload while it is typed. */
export function checkPayload(draft: Draft, maxBytes: number): Verdict {
  if (draft.tombstone) {
    return draft.key === ""
      ? { ok: false, text: "A tombstone needs a key: it marks the key as deleted" }
      : { ok: true, text: "null: it marks the key as deleted" };
  }
  const size = sizeOf(draft);
  if (size === null) return { ok: false, text: "This is not base64" };
  const fault = draft.encoding === "json" ? jsonFault(draft.payload) : null;
  if (fault !== null) return { ok: false, text: fault };
  if (size > maxBytes) return { ok: false, text: `${size} bytes are more than the ${maxBytes} that are allowed` };
  return { ok: true, text: `${draft.encoding === "json" ? "valid JSON, " : ""}${size} bytes` };
}

function sizeOf({ encoding, payload }: Draft): number | null {
  if (encoding !== "base64") return new TextEncoder().encode(encoding === "json" ? payload.trim() : payload).length;
  const digits = payload.replaceAll("-", "+").replaceAll("_", "/");
  try {
    return atob(digits).length;
  } catch {
    return null;
  }
}

function jsonFault(text: string): string | null {
  if (text.trim() === "") return "A JSON payload cannot be empty";
  try {
    JSON.parse(text);
    return null;
  } catch (cause) {
    return `Not JSON: ${cause instanceof Error ? cause.message : String(cause)}`;
  }
}
