import { ActionButton } from "../../components/action_button";
import { ContentText } from "../../components/content_text";
import { PageLink } from "../../components/page_link";
import { topicPath } from "../../components/partition_columns";
import { Place } from "../../components/place";
import { Quantity } from "../../components/quantity";
import { RelativeTime } from "../../components/relative_time";
import { StateChip } from "../../components/state_chip";
import { shortClass } from "../../format";
import { useActions } from "../../live";
import type { DeadLettersDocument } from "../../topic_documents";

type Letter = DeadLettersDocument["messages"][number];

interface Props {
  data: DeadLettersDocument | null;
  selected: ReadonlySet<string>;
  onSelect: (selected: ReadonlySet<string>) => void;
  onRedrive: (at: [number, number]) => void;
  onCursor: (query: string) => void;
}

function nameOf(letter: Letter): string {
  return `${letter.partition}:${letter.offset}`;
}

/** Dead letters with their reasons; those that are to be sent again are ticked. */
export function LettersTable(props: Props) {
  const { data, selected, onSelect, onCursor } = props;
  const letters = data?.messages ?? [];
  const all = letters.length > 0 && letters.every((letter) => selected.has(nameOf(letter)));
  return (
    <section class="panel" aria-label="Messages">
      <div class="phead">
        <h2>Messages</h2>
        <label class="check">
          <input type="checkbox" checked={all} disabled={letters.length === 0} onChange={() => onSelect(new Set(all ? [] : letters.map(nameOf)))} /> all that are shown
        </label>
        <span class="grow" />
        <span class="seg" role="group" aria-label="Go on">
          <button type="button" disabled={!data?.newer} onClick={() => onCursor(`after=${encodeURIComponent(data?.newer ?? "")}`)}>
            Newer
          </button>
          <button type="button" disabled={!data?.older} onClick={() => onCursor(`before=${encodeURIComponent(data?.older ?? "")}`)}>
            Older
          </button>
        </span>
      </div>
      {data === null && <p class="empty waiting">Loading…</p>}
      {data && letters.length === 0 && <p class="empty">No dead letter here.</p>}
      {letters.length > 0 && <Rows {...props} letters={letters} />}
    </section>
  );
}

function Rows({ letters, ...props }: Props & { letters: readonly Letter[] }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Messages, rows">
      <table>
        <thead>
          <tr>
            <th scope="col">
              <span class="hidden">Selected</span>
            </th>
            <th scope="col">Message</th>
            <th scope="col">Died of</th>
            <th scope="col">From</th>
            <th scope="col">When</th>
            <th scope="col" class="num wide">Attempts</th>
            <th scope="col" class="wide">Value</th>
            <th scope="col" class="num">Actions</th>
          </tr>
        </thead>
        <tbody>
          {letters.map((letter) => (
            <Row key={nameOf(letter)} letter={letter} topic={props.data?.topic ?? ""} {...props} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ letter, topic, selected, onSelect, onRedrive }: Props & { letter: Letter; topic: string }) {
  const permission = useActions();
  const { dead, partition, offset } = letter;
  const name = nameOf(letter);
  const turn = () => onSelect(selected.has(name) ? new Set([...selected].filter((one) => one !== name)) : new Set([...selected, name]));
  return (
    <tr>
      <td>
        <input type="checkbox" aria-label={`Select ${name}`} checked={selected.has(name)} onChange={turn} />
      </td>
      <td>
        <PageLink to={`${topicPath(topic)}?partition=${partition}&offset=${offset}`}>{name}</PageLink> {dead.redriven && <StateChip state="redriven" tone="ok" />}
      </td>
      <td class="cut" title={`${dead.error_class ?? ""}: ${dead.error_message ?? ""}`}>
        <b>{shortClass(dead.error_class ?? "not known")}</b> <span class="note">{dead.error_message}</span>
      </td>
      <td>
        <Place topic={dead.source_topic} partition={dead.source_partition} offset={dead.source_offset} />
      </td>
      <td class="note">
        <RelativeTime time={dead.failed_at ?? letter.timestamp} />
      </td>
      <td class="num wide">
        <Quantity value={dead.attempts} />
      </td>
      <td class="cut wide">
        <ContentText content={letter.value} />
      </td>
      <td class="num">
        <ActionButton permission={permission} onPress={() => onRedrive([partition, offset])} label={`Redrive ${name}`}>
          Redrive…
        </ActionButton>
      </td>
    </tr>
  );
}
