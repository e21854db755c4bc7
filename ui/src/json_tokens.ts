// JSON cut into pieces for colouring. What is not JSON comes back as one plain piece.
export type TokenKind = "key" | "string" | "number" | "word" | "plain";

export interface Token {
  kind: TokenKind;
  text: string;
}

const PIECE = /("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|\b(true|false|null)\b/g;

export function jsonTokens(text: string): Token[] {
  const tokens: Token[] = [];
  let end = 0;
  const plain = (to: number) => {
    if (to > end) tokens.push({ kind: "plain", text: text.slice(end, to) });
  };
  for (const match of text.matchAll(PIECE)) {
    plain(match.index);
    const [whole, quoted, colon, number] = match;
    if (quoted !== undefined) {
      tokens.push({ kind: colon === undefined ? "string" : "key", text: quoted });
      if (colon !== undefined) tokens.push({ kind: "plain", text: colon });
    } else tokens.push({ kind: number !== undefined ? "number" : "word", text: whole });
    end = match.index + whole.length;
  }
  plain(text.length);
  return tokens;
}

/** Indented JSON with every number as it was written (64-bit ids included); null where it is not JSON. */
export function pretty(text: string): string | null {
  try {
    JSON.parse(text);
  } catch {
    return null;
  }
  return indent(text);
}

const PARTS = /"(?:[^"\\]|\\.)*"|[[\]{},:]|[^\s"[\]{},:]+/g;

function indent(text: string): string {
  let depth = 0;
  let written = "";
  let before = "";
  const line = () => `\n${"  ".repeat(depth)}`;
  for (const [part] of text.matchAll(PARTS)) {
    const opened = before === "{" || before === "[";
    if (part === "}" || part === "]") {
      depth -= 1;
      if (!opened) written += line();
    } else if (opened) written += line();
    written += part;
    if (part === "{" || part === "[") depth += 1;
    else if (part === ",") written += line();
    else if (part === ":") written += " ";
    before = part;
  }
  return written;
}
