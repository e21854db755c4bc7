import { useState } from "preact/hooks";
import { address, send } from "../../api";
import { type Change, Changes } from "../../components/changes";
import { Checkbox } from "../../components/checkbox";
import { ConfirmDialog } from "../../components/confirm_dialog";
import { ProblemBanner } from "../../components/problem_banner";
import { TextField } from "../../components/text_field";
import { useSay } from "../../components/toasts";
import type { ConfigRow } from "../../topic_documents";
import { usePreview } from "../../use_preview";

interface Answer {
  changes: { name: string; old: string | null; new: string | null }[];
}

interface Props {
  topic: string;
  row: ConfigRow;
  onClose: () => void;
  onDone: () => void;
}

function shown({ changes }: Answer): Change[] {
  return changes.map((change) => ({ name: change.name, old: change.old ?? "–", new: change.new ?? "the default" }));
}

export function EditConfig({ topic, row, onClose, onDone }: Props) {
  const say = useSay();
  const [value, setValue] = useState(row.sensitive ? "" : (row.value ?? ""));
  const [reset, setReset] = useState(false);
  const url = address(`/api/topics/${encodeURIComponent(topic)}/config`);
  const body = reset ? { set: {}, reset: [row.name] } : { set: { [row.name]: value }, reset: [] };
  const same = !reset && value === row.value;
  const { preview, problem } = usePreview<Answer>("PATCH", url, same ? null : { ...body, preview: true });
  const act = async () => {
    await send("PATCH", url, { ...body, preview: false });
    say(`Changed ${row.name} of ${topic}`);
    onDone();
  };
  return (
    <ConfirmDialog title={`Change ${row.name}`} action="Change" blocked={preview === null} onConfirm={act} onClose={onClose}>
      <TextField label="New value" value={value} onInput={setValue} />
      {!row.default && (
        <Checkbox checked={reset} onChange={setReset}>
          back to the default
        </Checkbox>
      )}
      <ProblemBanner problem={problem} />
      {preview && preview.changes.length > 0 && <Changes changes={shown(preview)} />}
      {preview && preview.changes.length === 0 && <p class="note">Nothing would change.</p>}
    </ConfirmDialog>
  );
}
