interface Props {
  label: string;
  names: readonly string[];
  chosen: string | null;
  onChoose: (name: string) => void;
}

/** Which of several the lessons below are about; nothing to choose from one. */
export function Picker({ label, names, chosen, onChoose }: Props) {
  if (names.length < 2) return null;
  return (
    <label class="field picked">
      {label}
      <select value={chosen ?? ""} onChange={(event) => onChoose(event.currentTarget.value)}>
        {names.map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}
