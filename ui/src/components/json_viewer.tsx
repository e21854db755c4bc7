import { useState } from "preact/hooks";
import { bytes } from "../format";
import { bytesOfHex, hexDump } from "../hex_dump";
import { jsonTokens, pretty } from "../json_tokens";
import { Segments } from "./segments";

/** Bytes of a record as the service tells them. */
export interface Content {
  form: "null" | "json" | "text" | "hex" | "masked";
  text: string | null;
  bytes: number;
  truncated: boolean;
}

type View = "pretty" | "text" | "hex";
const NAMES: Record<View, string> = { pretty: "JSON", text: "Text", hex: "Hex" };

function views(content: Content): View[] {
  if (content.form === "hex") return ["hex"];
  return content.form === "json" ? ["pretty", "text", "hex"] : ["text", "hex"];
}

function dumped(content: Content): string {
  const text = content.text ?? "";
  return hexDump(content.form === "hex" ? bytesOfHex(text) : new TextEncoder().encode(text));
}

export function Json({ text }: { text: string }) {
  return (
    <>
      {jsonTokens(text).map((token, index) => (
        <span key={index} class={`j-${token.kind}`}>
          {token.text}
        </span>
      ))}
    </>
  );
}

/** A key, a value or a header as JSON, as text or as bytes. */
export function JsonViewer({ content, label }: { content: Content; label: string }) {
  const possible = views(content);
  const [chosen, choose] = useState<View | null>(null);
  const view = chosen !== null && possible.includes(chosen) ? chosen : (possible[0] ?? "text");
  if (content.form === "null") return <p class="note">null: no bytes at all</p>;
  if (content.form === "masked") return <p class="note">masked: the content of this topic is not shown</p>;
  const text = content.text ?? "";
  return (
    <div class="viewer">
      <div class="viewer-head">
        <Segments label={`${label} as`} choices={possible.map((one) => [one, NAMES[one]] as const)} chosen={view} onChoose={choose} />
        <span class="note">
          {bytes(content.bytes)}
          {content.truncated && ", cut for display"}
        </span>
      </div>
      <pre tabIndex={0} aria-label={label}>
        {view === "pretty" ? <Json text={pretty(text) ?? text} /> : view === "hex" ? dumped(content) : text}
      </pre>
    </div>
  );
}
