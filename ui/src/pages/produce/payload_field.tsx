import { Checkbox } from "../../components/checkbox";
import { Segments } from "../../components/segments";
import { pretty } from "../../json_tokens";
import type { Draft, Encoding, Verdict } from "../../produce_body";

const ENCODINGS: readonly (readonly [Encoding, string])[] = [
  ["json", "JSON"],
  ["text", "Text"],
  ["base64", "Base64"],
];

interface Props {
  draft: Draft;
  verdict: Verdict;
  onChange: (part: Partial<Draft>) => void;
}

/** The payload, checked as it is typed. */
export function PayloadField({ draft, verdict, onChange }: Props) {
  const indent = () => onChange({ payload: pretty(draft.payload) ?? draft.payload });
  return (
    <div class="field">
      <div class="viewer-head">
        <label for="payload">Payload</label>
        <Segments label="The payload is" choices={ENCODINGS} chosen={draft.encoding} onChoose={(encoding) => onChange({ encoding })} />
        <Checkbox checked={draft.tombstone} onChange={(tombstone) => onChange({ tombstone })}>
          tombstone (null)
        </Checkbox>
        {draft.encoding === "json" && (
          <button type="button" class="quiet" onClick={indent}>
            Indent
          </button>
        )}
      </div>
      <textarea
        id="payload"
        rows={9}
        spellcheck={false}
        disabled={draft.tombstone}
        value={draft.payload}
        aria-describedby="payload-verdict"
        aria-invalid={!verdict.ok}
        onInput={(event) => onChange({ payload: event.currentTarget.value })}
      />
      <span id="payload-verdict" class={verdict.ok ? "right-so" : "wrong"} role="status">
        {verdict.text}
      </span>
    </div>
  );
}
