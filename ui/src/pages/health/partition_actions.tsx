import { useState } from "preact/hooks";
import { address, send } from "../../api";
import { ActionButton } from "../../components/action_button";
import { Changes } from "../../components/changes";
import { ConfirmDialog } from "../../components/confirm_dialog";
import { useSay } from "../../components/toasts";
import type { PartitionRow } from "../../documents";
import { useActions } from "../../live";
import { SeekDialog } from "./seek_dialog";

export type What = "pause" | "resume" | "seek";

export interface Asked {
  what: What;
  row: PartitionRow;
}

interface ActionsProps {
  row: PartitionRow;
  onAsk: (asked: Asked) => void;
}

export function nameOf(row: PartitionRow): string {
  return `${row.topic}-${row.partition}`;
}

/** What can be done with a partition. */
export function PartitionActions({ row, onAsk }: ActionsProps) {
  const permission = useActions();
  const turn: What = row.paused_by ? "resume" : "pause";
  return (
    <span class="row-actions">
      <ActionButton permission={permission} onPress={() => onAsk({ what: turn, row })} label={`${turn} ${nameOf(row)}`}>
        {turn === "pause" ? "Pause" : "Resume"}
      </ActionButton>
      <ActionButton permission={permission} onPress={() => onAsk({ what: "seek", row })} label={`Seek ${nameOf(row)}`}>
        Seek…
      </ActionButton>
    </span>
  );
}

interface DialogProps {
  asked: Asked;
  onClose: () => void;
  onDone: () => void;
}

export function PartitionDialog({ asked, onClose, onDone }: DialogProps) {
  const { what, row } = asked;
  if (what === "seek") return <SeekDialog row={row} onClose={onClose} onDone={onDone} />;
  return <TurnDialog what={what} row={row} onClose={onClose} onDone={onDone} />;
}

/** Pauses or resumes one partition, or all of its topic. */
function TurnDialog({ what, row, onClose, onDone }: Asked & Omit<DialogProps, "asked">) {
  const say = useSay();
  const [all, setAll] = useState(false);
  const which = all ? `all partitions of ${row.topic}` : nameOf(row);
  const act = async () => {
    const body = { group: row.group, topic: row.topic, partition: all ? null : row.partition };
    await send("POST", address(`/api/partitions/${what}`), body);
    say(`${what === "pause" ? "Paused" : "Resumed"} ${which} of group ${row.group}`);
    onDone();
  };
  const [now, then] = what === "pause" ? ["consumed", "paused until resumed"] : ["paused", "consumed"];
  return (
    <ConfirmDialog
      title={what === "pause" ? `Pause ${nameOf(row)}?` : `Resume ${nameOf(row)}?`}
      action={what === "pause" ? "Pause" : "Resume"}
      onConfirm={act}
      onClose={onClose}
    >
      <p>
        {what === "pause"
          ? "Nothing more is fetched for it. A job that runs now ends as it would. The pause holds over restarts and rebalances; lag grows meanwhile."
          : "Fetching goes on at the committed offset."}
      </p>
      <label class="check">
        <input type="checkbox" checked={all} onChange={(event) => setAll(event.currentTarget.checked)} /> all partitions of {row.topic}
      </label>
      <Changes changes={[{ name: which, old: now ?? "", new: then ?? "" }]} />
    </ConfirmDialog>
  );
}
