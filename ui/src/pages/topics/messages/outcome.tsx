import { bytes, counted } from "../../../format";
import type { Cursor } from "../../../messages_query";
import type { MessagesDocument } from "../../../topic_documents";

interface Props {
  data: MessagesDocument | null;
  busy: boolean;
  searching: boolean;
  onCursor: (cursor: Cursor) => void;
}

const ENDED: Record<MessagesDocument["ended"], string> = {
  limit: "there are more",
  end: "that is all there is",
  time: "stopped after the time a search may take; go on with Older or Newer",
  bytes: "stopped after the bytes a search may read; go on with Older or Newer",
  count: "stopped after the messages a search may look at; go on with Older or Newer",
};

/** What was found and looked through, and the ways on. */
export function Outcome({ data, busy, searching, onCursor }: Props) {
  const { older, newer } = data ?? { older: null, newer: null };
  return (
    <div class="phead">
      <h2>Messages</h2>
      <span class="note" role="status">
        {busy ? "Looking…" : data && said(data, searching)}
      </span>
      <span class="grow" />
      <span class="seg" role="group" aria-label="Go on">
        <button type="button" disabled={newer === null || busy} onClick={() => newer && onCursor({ after: newer })}>
          Newer
        </button>
        <button type="button" disabled={older === null || busy} onClick={() => older && onCursor({ before: older })}>
          Older
        </button>
      </span>
    </div>
  );
}

function said({ messages, scanned, ended }: MessagesDocument, searching: boolean): string {
  const found = `${counted(messages.length, "message")}${searching ? " found" : ""}`;
  const looked = searching ? ` among ${counted(scanned.messages, "message")} (${bytes(scanned.bytes)})` : "";
  return `${found}${looked}; ${ENDED[ended]}`;
}
