import { useState } from "preact/hooks";
import { address, send } from "../../api";
import { Changes } from "../../components/changes";
import { Checkbox } from "../../components/checkbox";
import { ConfirmDialog } from "../../components/confirm_dialog";
import { TextField } from "../../components/text_field";
import { useSay } from "../../components/toasts";
import { counted } from "../../format";
import type { Redrive } from "../../topic_documents";
import type { Records } from "./letters";

interface Props {
  topic: string;
  records: Records;
  onClose: () => void;
}

/** Sends dead letters to where they came from, or elsewhere. A dry run, which changes nothing, comes first. */
export function RedriveDialog({ topic, records, onClose }: Props) {
  const say = useSay();
  const [target, setTarget] = useState("");
  const [rate, setRate] = useState("50");
  const [dry, setDry] = useState(true);
  const which = records === "all" ? `all messages of ${topic}` : counted(records.length, "message");
  const perS = rate === "" ? null : Number(rate);
  const act = async () => {
    const body = { records, target: target.trim() || null, rate_per_s: perS, dry_run: dry };
    await send<Redrive>("POST", address(`/api/dead-letters/${encodeURIComponent(topic)}/redrive`), body);
    say(dry ? "The dry run has begun; its outcome stands above the messages" : "The redrive has begun; its progress stands above the messages");
  };
  return (
    <ConfirmDialog
      title="Redrive dead letters"
      action={dry ? "Try without sending" : "Redrive"}
      danger={!dry}
      {...(records === "all" && !dry && { typed: topic })}
      blocked={perS !== null && !(perS > 0)}
      onConfirm={act}
      onClose={onClose}
    >
      <p>
        Sends {which} again, with key, value and headers as they were. What was sent again before is left out, so a redrive that was cut can be repeated.
      </p>
      <div class="row">
        <TextField label="To topic" value={target} onInput={setTarget} placeholder="where each came from" />
        <TextField label="At most, per second" type="number" min={1} value={rate} onInput={setRate} placeholder="no limit" />
      </div>
      <Checkbox checked={dry} onChange={setDry}>
        dry run: count and check, send nothing
      </Checkbox>
      <Changes changes={[{ name: which, old: `in ${topic}`, new: dry ? "nothing changes" : `and again in ${target.trim() || "the topics they came from"}` }]} />
    </ConfirmDialog>
  );
}
