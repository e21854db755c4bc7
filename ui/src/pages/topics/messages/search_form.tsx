import { useEffect, useState } from "preact/hooks";
import { TextField } from "../../../components/text_field";
import { type From, type Looking, PLACES } from "../../../messages_query";

interface Props {
  looking: Looking;
  partitions: number;
  masked: boolean;
  busy: boolean;
  live: boolean;
  onLook: (looking: Looking) => void;
  onCancel: () => void;
  onLive: (live: boolean) => void;
}

const MOST_LISTED = 1000;
const FROM: readonly (readonly [From, string])[] = [
  ["newest", "Newest first"],
  ["oldest", "Oldest first"],
  ["offset", "From an offset"],
  ["timestamp", "From a time"],
];

/** Where to look and for what. */
export function SearchForm({ looking, partitions, masked, busy, live, onLook, onCancel, onLive }: Props) {
  const [draft, setDraft] = useState(looking);
  useEffect(() => setDraft(looking), [looking]);
  const change = (part: Partial<Looking>) => setDraft((before) => ({ ...before, ...part }));
  const submit = (event: Event) => {
    event.preventDefault();
    onLook(draft);
  };
  return (
    <form class="panel padded looking" aria-label="Which messages" onSubmit={submit}>
      <Where draft={draft} partitions={partitions} onChange={change} />
      {!masked && <What draft={draft} onChange={change} />}
      <div class="form-end">
        <span class="row-actions">
          <button type="submit" class="primary" disabled={live}>
            {draft.search ? "Search" : "Show"}
          </button>
          {busy && (
            <button type="button" onClick={onCancel}>
              Cancel
            </button>
          )}
        </span>
        <button type="button" aria-pressed={live} class={live ? "primary" : ""} onClick={() => onLive(!live)}>
          {live ? "Stop the live tail" : "Live tail"}
        </button>
      </div>
    </form>
  );
}

interface PartProps {
  draft: Looking;
  onChange: (part: Partial<Looking>) => void;
}

function Where({ draft, partitions, onChange }: PartProps & { partitions: number }) {
  const known = Array.from({ length: Math.min(partitions, MOST_LISTED) }, (_, index) => String(index));
  const numbers = draft.partition === "" || known.includes(draft.partition) ? known : [...known, draft.partition];
  return (
    <div class="row">
      <label class="field">
        <span>Show</span>
        <select value={draft.from} onChange={(event) => onChange({ from: event.currentTarget.value as From })}>
          {FROM.map(([value, title]) => (
            <option key={value} value={value}>
              {title}
            </option>
          ))}
        </select>
      </label>
      <label class="field">
        <span>Partition</span>
        <select value={draft.partition} onChange={(event) => onChange({ partition: event.currentTarget.value })}>
          <option value="">all</option>
          {numbers.map((number) => (
            <option key={number} value={number}>
              {number}
            </option>
          ))}
        </select>
      </label>
      {draft.from === "offset" && <TextField label="Offset" type="number" value={draft.offset} onInput={(offset) => onChange({ offset })} />}
      {draft.from === "timestamp" && <TextField label="Time (yours)" type="datetime-local" value={draft.time} onInput={(time) => onChange({ time })} />}
    </div>
  );
}

function What({ draft, onChange }: PartProps) {
  return (
    <div class="row">
      <TextField label="Contains" value={draft.search} placeholder="any text" onInput={(search) => onChange({ search })} />
      <fieldset class="places">
        <legend>Looked for in</legend>
        {PLACES.map((place) => {
          const on = draft.places.includes(place);
          const others = draft.places.filter((one) => one !== place);
          return (
            <label class="check" key={place}>
              <input type="checkbox" checked={on} disabled={on && others.length === 0} onChange={() => onChange({ places: on ? others : [...others, place] })} /> {place}
            </label>
          );
        })}
        <label class="check">
          <input type="checkbox" checked={draft.uncommitted} onChange={(event) => onChange({ uncommitted: event.currentTarget.checked })} /> uncommitted ones too
        </label>
      </fieldset>
    </div>
  );
}
