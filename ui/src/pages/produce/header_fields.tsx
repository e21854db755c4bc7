type Headers = readonly (readonly [string, string])[];

interface Props {
  headers: Headers;
  onChange: (headers: Headers) => void;
}

/** Names and values of record headers; names may repeat. */
export function HeaderFields({ headers, onChange }: Props) {
  const set = (at: number, pair: readonly [string, string]) => onChange(headers.map((old, index) => (index === at ? pair : old)));
  return (
    <fieldset class="headers">
      <legend>Headers</legend>
      {headers.map(([name, value], index) => (
        <div class="header-row" key={index}>
          <input type="text" aria-label={`Name of header ${index + 1}`} placeholder="name" value={name} onInput={(event) => set(index, [event.currentTarget.value, value])} />
          <input type="text" aria-label={`Value of header ${index + 1}`} placeholder="value" value={value} onInput={(event) => set(index, [name, event.currentTarget.value])} />
          <button type="button" aria-label={`Remove header ${index + 1}`} onClick={() => onChange(headers.filter((_, at) => at !== index))}>
            ✕
          </button>
        </div>
      ))}
      <button type="button" onClick={() => onChange([...headers, ["", ""]])}>
        Add a header
      </button>
    </fieldset>
  );
}
