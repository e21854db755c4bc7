import { words } from "../format";
import { type TableQuery, withFilter } from "../table_query";

interface SelectProps {
  name: string;
  label: string;
  choices: readonly string[];
  query: TableQuery;
  onQuery: (query: TableQuery) => void;
}

/** One filter of a table as a list of what it can be. */
export function FilterSelect({ name, label, choices, query, onQuery }: SelectProps) {
  const chosen = query.filters[name] ?? "";
  const all = chosen && !choices.includes(chosen) ? [...choices, chosen] : choices;
  return (
    <select aria-label={label} value={chosen} onChange={(event) => onQuery(withFilter(query, name, event.currentTarget.value))}>
      <option value="">{label}: all</option>
      {all.map((choice) => (
        <option key={choice} value={choice}>
          {words(choice)}
        </option>
      ))}
    </select>
  );
}

/** A filter that was set elsewhere, with a way to take it off. */
export function FilterTag({ name, query, onQuery }: Pick<SelectProps, "name" | "query" | "onQuery">) {
  const value = query.filters[name];
  if (!value) return null;
  return (
    <button type="button" class="tag" aria-label={`${name} ${value}: show all again`} onClick={() => onQuery(withFilter(query, name, ""))}>
      {name}: <b>{value}</b> ✕
    </button>
  );
}
