import { useEffect, useState } from "preact/hooks";
import { type Problem, address, problemOf, send } from "../../api";
import { Changes } from "../../components/changes";
import { ConfirmDialog } from "../../components/confirm_dialog";
import { ProblemBanner } from "../../components/problem_banner";
import { useSay } from "../../components/toasts";
import type { PartitionRow } from "../../documents";
import { count, counted } from "../../format";
import { type SeekTo, type Target, targetOf } from "../../seek_target";

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
  const { preview, problem } = usePreview(row, to);
  const name = `${row.topic}-${row.partition}`;
  const act = async () => {
    const done = await send<Preview>("POST", address("/api/partitions/seek"), body(row, to, false));
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
        {kind === "offset" && <Field label="Offset" type="number" value={text} onInput={setText} />}
        {kind === "timestamp" && <Field label="Time (yours)" type="datetime-local" value={text} onInput={setText} />}
      </div>
      <ProblemBanner problem={problem} />
      {preview && <Outcome preview={preview} />}
    </ConfirmDialog>
  );
}

interface FieldProps {
  label: string;
  type: string;
  value: string;
  onInput: (text: string) => void;
}

function Field({ label, type, value, onInput }: FieldProps) {
  return (
    <label class="field">
      <span>{label}</span>
      <input type={type} min={0} step={1} value={value} onInput={(event) => onInput(event.currentTarget.value)} />
    </label>
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

function usePreview(row: PartitionRow, to: SeekTo | null): { preview: Preview | null; problem: Problem | null } {
  const [state, setState] = useState<{ preview: Preview | null; problem: Problem | null }>({ preview: null, problem: null });
  const wanted = JSON.stringify(to);
  useEffect(() => {
    setState({ preview: null, problem: null });
    if (to === null) return undefined;
    let current = true;
    const timer = window.setTimeout(() => {
      send<Preview>("POST", address("/api/partitions/seek"), body(row, to, true)).then(
        (preview) => current && setState({ preview, problem: null }),
        (cause: unknown) => current && setState({ preview: null, problem: problemOf(cause) }),
      );
    }, 300);
    return () => {
      current = false;
      window.clearTimeout(timer);
    };
  }, [wanted]);
  return state;
}
