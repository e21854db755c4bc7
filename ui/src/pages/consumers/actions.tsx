import { useState } from "preact/hooks";
import { address, send } from "../../api";
import { ActionButton } from "../../components/action_button";
import { Changes } from "../../components/changes";
import { ConfirmDialog } from "../../components/confirm_dialog";
import { useSay } from "../../components/toasts";
import type { InstanceDocument, Permission } from "../../documents";
import { useActions } from "../../live";

type Command = "quiet" | "stop";

const MEANS: Record<Command, string> = {
  quiet: "It ends what runs, commits, gives its partitions to the others and consumes nothing any more. It still takes HTTP calls.",
  stop: "It ends what runs, commits, leaves its groups and exits. Whoever supervises it may start it again.",
};
const THEN: Record<Command, string> = { quiet: "quiet", stop: "stopped" };

export function InstanceActions({ row }: { row: InstanceDocument }) {
  const permission = useActions();
  const [command, ask] = useState<Command | null>(null);
  const possible: Permission = row.gone ? { allowed: false, why_not: "This instance is gone" } : permission;
  return (
    <span class="row-actions">
      <ActionButton permission={possible} onPress={() => ask("quiet")}>
        Quiet…
      </ActionButton>
      <ActionButton permission={possible} onPress={() => ask("stop")} tone="danger">
        Stop…
      </ActionButton>
      {command && <CommandDialog command={command} row={row} onClose={() => ask(null)} />}
    </span>
  );
}

interface DialogProps {
  command: Command;
  row: InstanceDocument;
  onClose: () => void;
}

function CommandDialog({ command, row, onClose }: DialogProps) {
  const say = useSay();
  const path = `/api/instances/${encodeURIComponent(row.instance)}/${command}`;
  const act = async () => {
    await send("POST", address(path), { confirm: row.instance });
    say(`${row.instance} was told to ${command === "quiet" ? "become quiet" : "stop"}`, "warn");
  };
  return (
    <ConfirmDialog
      title={command === "quiet" ? "Make this instance quiet?" : "Stop this instance?"}
      action={command === "quiet" ? "Make it quiet" : "Stop it"}
      danger
      typed={row.instance}
      onConfirm={act}
      onClose={onClose}
    >
      <p>{MEANS[command]} There is no way back but a restart.</p>
      <Changes changes={[{ name: row.instance, old: row.state, new: THEN[command] }]} />
    </ConfirmDialog>
  );
}
