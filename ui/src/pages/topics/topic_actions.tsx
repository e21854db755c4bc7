import { useState } from "preact/hooks";
import { useLocation } from "wouter-preact";
import { address, send } from "../../api";
import { ActionButton } from "../../components/action_button";
import { Changes } from "../../components/changes";
import { ConfirmDialog } from "../../components/confirm_dialog";
import { ProblemBanner } from "../../components/problem_banner";
import { TextField } from "../../components/text_field";
import { useSay } from "../../components/toasts";
import { count } from "../../format";
import { useActions } from "../../live";
import { total } from "../../series";
import type { TopicDocument } from "../../topic_documents";
import { usePreview } from "../../use_preview";

interface Props {
  topic: TopicDocument;
  onDone: () => void;
}

/** What can be done with a topic as a whole. */
export function TopicActions({ topic, onDone }: Props) {
  const permission = useActions();
  const [asked, ask] = useState<"partitions" | "delete" | null>(null);
  const close = () => ask(null);
  return (
    <span class="row-actions">
      <ActionButton permission={permission} onPress={() => ask("partitions")}>
        Add partitions…
      </ActionButton>
      <ActionButton permission={permission} onPress={() => ask("delete")} tone="danger">
        Delete…
      </ActionButton>
      {asked === "partitions" && <AddPartitions topic={topic} onDone={onDone} onClose={close} />}
      {asked === "delete" && <DeleteTopic topic={topic} onClose={close} />}
    </span>
  );
}

function AddPartitions({ topic, onDone, onClose }: Props & { onClose: () => void }) {
  const say = useSay();
  const now = topic.partitions.length;
  const [text, setText] = useState(String(now + 1));
  const wanted = Number(text);
  const url = address(`/api/topics/${encodeURIComponent(topic.topic)}/partitions`);
  const possible = Number.isInteger(wanted) && wanted > now;
  const { preview, problem } = usePreview<unknown>("POST", url, possible ? { count: wanted, preview: true } : null);
  const act = async () => {
    await send("POST", url, { count: wanted, preview: false });
    say(`${topic.topic} has ${count(wanted)} partitions now`);
    onDone();
  };
  return (
    <ConfirmDialog title={`Add partitions to ${topic.topic}`} action="Add" danger blocked={preview === null} onConfirm={act} onClose={onClose}>
      <p>Partitions can be added, never taken away. Keys are spread anew: later messages of a key may go to another partition than earlier ones.</p>
      <TextField label="Partitions in all" type="number" min={now + 1} value={text} onInput={setText} />
      <ProblemBanner problem={problem} />
      {preview !== null && <Changes changes={[{ name: "Partitions", old: count(now), new: count(wanted) }]} />}
    </ConfirmDialog>
  );
}

function DeleteTopic({ topic, onClose }: { topic: TopicDocument; onClose: () => void }) {
  const say = useSay();
  const [, navigate] = useLocation();
  const name = topic.topic;
  const act = async () => {
    await send("DELETE", address(`/api/topics/${encodeURIComponent(name)}`), { confirm: name });
    say(`Deleted ${name}`, "warn");
    navigate("/topics");
  };
  return (
    <ConfirmDialog title={`Delete ${name}?`} action="Delete for good" danger typed={name} onConfirm={act} onClose={onClose}>
      <p>
        The topic and everything in it is gone then; there is no way back.
        {topic.routed.length > 0 && ` ${topic.routed.join(", ")} of this service consumes it.`}
      </p>
      <Changes changes={[{ name: "Messages", old: count(total(topic.partitions.map((one) => one.messages))), new: "none" }]} />
    </ConfirmDialog>
  );
}
