import type { Content } from "./json_viewer";

/** The beginning of a key or a value, in one line. */
export function ContentText({ content }: { content: Content }) {
  if (content.form === "null") return <span class="note">null</span>;
  if (content.form === "masked") return <span class="note">masked, {content.bytes} bytes</span>;
  if (content.text === "") return <span class="note">empty</span>;
  return <code class={content.form === "hex" ? "note" : ""}>{content.text}</code>;
}
