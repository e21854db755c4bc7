import { useState } from "preact/hooks";
import { address, send } from "../../../api";
import { Changes } from "../../../components/changes";
import { ConfirmDialog } from "../../../components/confirm_dialog";
import { TextField } from "../../../components/text_field";
import { useSay } from "../../../components/toasts";
import type { At } from "./messages_table";

interface Report {
  topic: string;
  partition: number;
  offset: number;
}

/** Sends a copy of a message: key, value and headers as they are. */
export function Republish({ topic, at, onClose }: { topic: string; at: At; onClose: () => void }) {
  const say = useSay();
  const [target, setTarget] = useState(topic);
  const path = `/api/topics/${encodeURIComponent(topic)}/messages/${at.partition}/${at.offset}/republish`;
  const act = async () => {
    const report = await send<Report>("POST", address(path), { topic: target === topic ? null : target });
    say(`Sent to ${report.topic}-${report.partition} at offset ${report.offset}`);
  };
  return (
    <ConfirmDialog title="Republish this message" action="Republish" blocked={target.trim() === ""} onConfirm={act} onClose={onClose}>
      <p>A copy with the same key, value and headers is produced; whoever consumes the topic consumes it once more.</p>
      <TextField label="To topic" value={target} onInput={setTarget} />
      <Changes changes={[{ name: "Message", old: `${topic}-${at.partition} @${at.offset}`, new: `and a copy in ${target || "…"}` }]} />
    </ConfirmDialog>
  );
}
