import { useState } from "preact/hooks";
import { Checkbox } from "../../components/checkbox";
import { RowsTable } from "../../components/rows_table";
import { SearchField } from "../../components/search_field";
import { StateChip } from "../../components/state_chip";
import type { SettingRow } from "../../documents";
import { settingText } from "../../settings_text";

const COLUMNS = [
  { title: "Setting", cell: (row: SettingRow) => <code>{row.name.toUpperCase()}</code> },
  {
    title: "Value",
    class: "wrap",
    cell: (row: SettingRow) => (
      <>
        <span class={row.changed ? "strong" : ""}>{settingText(row.value)}</span> {row.changed && <StateChip state="changed" tone="idle" />}
      </>
    ),
  },
  { title: "Default", class: "note wrap", cell: (row: SettingRow) => settingText(row.default) },
  { title: "Meaning", class: "note wrap", cell: (row: SettingRow) => row.help },
];

/** Every setting of the environment; secrets come masked from the service. */
export function Settings({ settings }: { settings: readonly SettingRow[] }) {
  const [words, setWords] = useState("");
  const [only, setOnly] = useState(false);
  const wanted = words.toLowerCase();
  const shown = settings.filter((row) => (!only || row.changed) && `${row.name} ${row.help}`.toLowerCase().includes(wanted));
  return (
    <RowsTable
      title="Settings"
      columns={COLUMNS}
      rows={shown}
      rowKey={(row) => row.name}
      empty="No setting matches."
      tools={
        <>
          <SearchField label="Filter: name, meaning" value={words} onSearch={setWords} />
          <Checkbox checked={only} onChange={setOnly}>
            only changed
          </Checkbox>
        </>
      }
    />
  );
}
