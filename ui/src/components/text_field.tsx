interface Props {
  label: string;
  value: string;
  onInput: (text: string) => void;
  type?: "text" | "number" | "datetime-local";
  hint?: string;
  placeholder?: string;
  min?: number;
}

/** A labelled field of one line. */
export function TextField({ label, value, onInput, type = "text", hint, placeholder, min = 0 }: Props) {
  return (
    <label class="field">
      <span>{label}</span>
      <input
        type={type}
        value={value}
        min={type === "number" ? min : undefined}
        placeholder={placeholder}
        autocomplete="off"
        spellcheck={false}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
      {hint && <span class="hint">{hint}</span>}
    </label>
  );
}
