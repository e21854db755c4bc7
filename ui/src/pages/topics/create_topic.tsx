import { useState } from "preact/hooks";
import { address, send } from "../../api";
import { ConfirmDialog } from "../../components/confirm_dialog";
import { TextField } from "../../components/text_field";
import { useSay } from "../../components/toasts";
import { readConfig } from "../../config_text";
import { counted } from "../../format";

interface Props {
  onClose: () => void;
  onDone: () => void;
}

const NAME = /^[a-zA-Z0-9._-]{1,249}$/;

export function CreateTopic({ onClose, onDone }: Props) {
  const say = useSay();
  const [topic, setTopic] = useState("");
  const [partitions, setPartitions] = useState("3");
  const [replication, setReplication] = useState("");
  const [text, setText] = useState("");
  const { config, wrong } = readConfig(text);
  const ready = NAME.test(topic) && Number(partitions) >= 1 && wrong.length === 0;
  const act = async () => {
    const body = { topic, partitions: Number(partitions), replication: replication ? Number(replication) : null, config };
    await send("POST", address("/api/topics"), body);
    say(`Created ${topic} with ${counted(Number(partitions), "partition")}`);
    onDone();
  };
  return (
    <ConfirmDialog title="Create a topic" action="Create" blocked={!ready} onConfirm={act} onClose={onClose}>
      <TextField label="Name" value={topic} onInput={setTopic} hint="letters, digits, dots, underscores and hyphens" />
      <div class="row">
        <TextField label="Partitions" type="number" min={1} value={partitions} onInput={setPartitions} />
        <TextField label="Replication" type="number" min={1} value={replication} onInput={setReplication} placeholder="the broker's default" />
      </div>
      <label class="field">
        <span>Configuration</span>
        <textarea rows={3} value={text} placeholder="retention.ms=86400000" spellcheck={false} onInput={(event) => setText(event.currentTarget.value)} />
        {wrong.length > 0 ? <span class="wrong">not name=value: {wrong.join(", ")}</span> : <span class="hint">one name=value in each line</span>}
      </label>
    </ConfirmDialog>
  );
}
