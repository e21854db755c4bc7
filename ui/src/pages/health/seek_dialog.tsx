import { useState } from "preact/hooks";
import { address, send } from "../../api";
import { Changes } from "../../components/changes";
import { ConfirmDialog } from "../../components/confirm_dialog";
import { ProblemBanner } from "../../components/problem_banner";
import { TextField } from "../../components/text_field";
import { useSay } from "../../components/toasts";
import type { PartitionRow } from "../../documents";
import { count, counted } from "../../format";
import { type SeekTo, type Target, targetOf } from "../../seek_target";
import { usePreview } from "../../use_preview";

interface Preview {
  old: number | null;
  new: number;
  beginning: number;
  end: number;
  again: number;
  skipped: number;
}

interface Props {
  row: PartitionRow;
  onClose: () => void;
  onDone: () => void;
}

const PATH = "/api/partitions/seek";
const KINDS: readonly (readonly [Target, string])[] = [
  ["earliest", "The beginning"],
  ["latest", "The end"],
  ["offset", "An offset"],
  ["timestamp", "A time"],
];

/** Moves a group's place in a partition, showing first what would be read again or left out. */
export function SeekDialog({ row, onClose, onDone }: Props) {
  const say = useSay();
  const [kind, setKind] = useState<Target>("offset");
  const [text, setText] = useState(String(row.committed ?? ""));
  const to = targetOf(kind, text);
  const { preview, problem } = usePreview<Preview>("POST", address(PATH), to && body(row, to, true));
  const name = `${row.topic}-${row.partition}`;
  const act = async () => {
    const done = await send<Preview>("POST", address(PATH), body(row, to, false));
    say(`Group ${row.group} goes on with ${name} at ${count(done.new)}`);
    onDone();
  };
  return (
    <ConfirmDialog title={`Seek ${name}`} action="Seek" danger blocked={preview === null} onConfirm={act} onClose={onClose}>
      <p>
        Group <b>{row.group}</b> is to go on with {name} at:
      </p>
      <div class="row">
        <label class="field">
          <span>Where</span>
          <select value={kind} onChange={(event) => setKind(event.currentTarget.value as Target)}>
            {KINDS.map(([value, title]) => (
              <option key={value} value={value}>
                {title}
              </option>
            ))}
          </select>
        </label>
        {kind === "offset" && <TextField label="Offset" type="number" value={text} onInput={setText} />}
        {kind === "timestamp" && <TextField label="Time (yours)" type="datetime-local" value={text} onInput={setText} />}
      </div>
      <ProblemBanner problem={problem} />
      {preview && <Outcome preview={preview} />}
    </ConfirmDialog>
  );
}

function Outcome({ preview }: { preview: Preview }) {
  return (
    <>
      <Changes changes={[{ name: "Offset", old: count(preview.old), new: count(preview.new) }]} />
      <p class="note">
        The partition has the offsets {count(preview.beginning)} to {count(preview.end)}.{" "}
        {preview.again > 0 && <b>{counted(preview.again, "record")} will be consumed again. </b>}
        {preview.skipped > 0 && <b class="wrong">{counted(preview.skipped, "record")} will not be consumed. </b>}
      </p>
    </>
  );
}

function body(row: PartitionRow, to: SeekTo | null, preview: boolean) {
  return { group: row.group, topic: row.topic, partition: row.partition, to, preview };
}
