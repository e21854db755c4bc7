import { ContentText } from "../../../components/content_text";
import { Quantity } from "../../../components/quantity";
import { RelativeTime } from "../../../components/relative_time";
import type { Message } from "../../../topic_documents";

export type At = Pick<Message, "partition" | "offset">;

interface Props {
  messages: readonly Message[];
  opened: At | null;
  onOpen: (at: At | null) => void;
}

/** Messages in a few words each; one opens at a click. */
export function MessagesTable({ messages, opened, onOpen }: Props) {
  if (messages.length === 0) return <p class="empty">No message here.</p>;
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Messages, rows">
      <table>
        <thead>
          <tr>
            <th scope="col" class="num">Offset</th>
            <th scope="col">Time</th>
            <th scope="col">Key</th>
            <th scope="col">Value</th>
            <th scope="col" class="num wide">Headers</th>
            <th scope="col" class="num wide">Size</th>
          </tr>
        </thead>
        <tbody>
          {messages.map((message) => (
            <Row key={`${message.partition}:${message.offset}`} message={message} opened={opened} onOpen={onOpen} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ message, opened, onOpen }: Omit<Props, "messages"> & { message: Message }) {
  const { partition, offset } = message;
  const open = opened?.partition === partition && opened.offset === offset;
  return (
    <tr class={open ? "chosen" : ""}>
      <td class="num">
        <button type="button" class="link" aria-expanded={open} aria-label={`Open ${partition}:${offset}`} onClick={() => onOpen(open ? null : { partition, offset })}>
          {partition}:{offset}
        </button>
      </td>
      <td class="note">
        <RelativeTime time={message.timestamp} />
      </td>
      <td class="cut short">
        <ContentText content={message.key} />
      </td>
      <td class="cut">
        <ContentText content={message.value} />
      </td>
      <td class="num wide">{message.headers.length}</td>
      <td class="num wide">
        <Quantity value={message.size_bytes} unit="bytes" />
      </td>
    </tr>
  );
}
