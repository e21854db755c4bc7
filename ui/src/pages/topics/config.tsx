import { useState } from "preact/hooks";
import { ActionButton } from "../../components/action_button";
import { Checkbox } from "../../components/checkbox";
import { RowsTable } from "../../components/rows_table";
import { SearchField } from "../../components/search_field";
import { StateChip } from "../../components/state_chip";
import type { Permission } from "../../documents";
import { words } from "../../format";
import { useActions } from "../../live";
import type { ConfigRow } from "../../topic_documents";
import { EditConfig } from "./edit_config";

interface Props {
  topic: string;
  config: readonly ConfigRow[] | null;
  onDone: () => void;
}

function permissionOf(row: ConfigRow, permission: Permission): Permission {
  return row.read_only ? { allowed: false, why_not: "Kafka does not let this be changed" } : permission;
}

/** The topic's configuration, what was changed first. */
export function Config({ topic, config, onDone }: Props) {
  const permission = useActions();
  const [words_, setWords] = useState("");
  const [only, setOnly] = useState(false);
  const [edited, edit] = useState<ConfigRow | null>(null);
  if (config === null) return <p class="banner warn">Kafka does not tell the configuration of this topic.</p>;
  const shown = config
    .filter((row) => (!only || !row.default) && row.name.includes(words_.toLowerCase()))
    .toSorted((a, b) => Number(a.default) - Number(b.default) || a.name.localeCompare(b.name));
  return (
    <>
      <RowsTable
        title="Configuration"
        rows={shown}
        rowKey={(row) => row.name}
        empty="Nothing matches."
        tools={
          <>
            <SearchField label="Filter: name" value={words_} onSearch={setWords} />
            <Checkbox checked={only} onChange={setOnly}>
              only changed
            </Checkbox>
          </>
        }
        columns={[
          { title: "Name", cell: (row) => <code>{row.name}</code> },
          { title: "Value", class: "wrap", cell: (row) => <Value row={row} /> },
          { title: "From", class: "note wide", cell: (row) => words(row.source.toLowerCase()) },
          {
            title: "Actions",
            class: "num",
            cell: (row) => (
              <ActionButton permission={permissionOf(row, permission)} onPress={() => edit(row)} label={`Change ${row.name}`}>
                Change…
              </ActionButton>
            ),
          },
        ]}
      />
      {edited && <EditConfig topic={topic} row={edited} onClose={() => edit(null)} onDone={onDone} />}
    </>
  );
}

function Value({ row }: { row: ConfigRow }) {
  if (row.sensitive) return <span class="note">secret</span>;
  return (
    <>
      <span class={row.default ? "" : "strong"}>{row.value === "" ? "empty" : (row.value ?? "–")}</span> {!row.default && <StateChip state="changed" tone="idle" />}
    </>
  );
}
