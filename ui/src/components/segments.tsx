interface Props<Choice extends string> {
  label: string;
  choices: readonly (readonly [Choice, string])[];
  chosen: Choice;
  onChoose: (choice: Choice) => void;
}

/** One of a few, side by side. */
export function Segments<Choice extends string>({ label, choices, chosen, onChoose }: Props<Choice>) {
  return (
    <div class="seg" role="group" aria-label={label}>
      {choices.map(([choice, name]) => (
        <button key={choice} type="button" aria-pressed={choice === chosen} onClick={() => onChoose(choice)}>
          {name}
        </button>
      ))}
    </div>
  );
}
