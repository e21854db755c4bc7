import { words } from "../format";
import { type Tone, toneOf } from "../states";

/** A state as a word with a colour; `title` says more on hover. */
export function StateChip({ state, tone, title }: { state: string; tone?: Tone; title?: string | undefined }) {
  return (
    <span class={`chip ${tone ?? toneOf(state)}`} title={title}>
      {words(state)}
    </span>
  );
}
