import { useState } from "preact/hooks";
import { ActionButton } from "../../../components/action_button";
import { Facts } from "../../../components/facts";
import { JsonViewer } from "../../../components/json_viewer";
import { ProblemBanner } from "../../../components/problem_banner";
import { Quantity } from "../../../components/quantity";
import { RelativeTime } from "../../../components/relative_time";
import { useActions } from "../../../live";
import type { MessageDocument } from "../../../topic_documents";
import { useDocument } from "../../../use_document";
import type { At } from "./messages_table";
import { Republish } from "./republish";

interface Props {
  topic: string;
  at: At;
  onOpen: (at: At | null) => void;
}

/** One message, whole. */
export function MessageView({ topic, at, onOpen }: Props) {
  const path = `/api/topics/${encodeURIComponent(topic)}/messages/${at.partition}/${at.offset}`;
  const { data, problem } = useDocument<MessageDocument>(path, {}, { once: true });
  return (
    <section class="panel padded one-message" aria-label={`Message ${at.partition}:${at.offset}`}>
      <Head topic={topic} at={at} data={data} onOpen={onOpen} />
      <ProblemBanner problem={problem} />
      {data === null && problem === null && <p class="note">Loading…</p>}
      {data && <Parts message={data} />}
    </section>
  );
}

function Head({ topic, at, data, onOpen }: Props & { data: MessageDocument | null }) {
  const permission = useActions();
  const [republishing, republish] = useState(false);
  const go = (offset: number | null | undefined) => offset !== null && offset !== undefined && onOpen({ ...at, offset });
  return (
    <div class="head">
      <h2>
        Partition {at.partition}, offset {at.offset}
      </h2>
      <span class="row-actions">
        <button type="button" disabled={data?.previous == null} onClick={() => go(data?.previous)}>
          Previous
        </button>
        <button type="button" disabled={data?.next == null} onClick={() => go(data?.next)}>
          Next
        </button>
        <ActionButton permission={permission} onPress={() => republish(true)}>
          Republish…
        </ActionButton>
        <button type="button" aria-label="Close the message" onClick={() => onOpen(null)}>
          ✕
        </button>
      </span>
      {republishing && <Republish topic={topic} at={at} onClose={() => republish(false)} />}
    </div>
  );
}

function Parts({ message }: { message: MessageDocument }) {
  return (
    <>
      <Facts
        facts={[
          [message.timestamp_type === "append" ? "Appended" : "Created", <RelativeTime key="time" time={message.timestamp} />],
          ["Timestamp", message.timestamp ?? "–"],
          ["Size", <Quantity key="size" value={message.size_bytes} unit="bytes" />],
        ]}
      />
      <h3>Key</h3>
      <JsonViewer content={message.key} label="Key" />
      <h3>Value</h3>
      <JsonViewer content={message.value} label="Value" />
      {message.headers.length > 0 && <h3>Headers</h3>}
      {message.headers.map(([name, content], index) => (
        <div class="header-content" key={index}>
          <code>{name}</code>
          <JsonViewer content={content} label={`Header ${name}`} />
        </div>
      ))}
    </>
  );
}
