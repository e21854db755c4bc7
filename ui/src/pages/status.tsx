import { Page } from "../components/page";
import { StateChip } from "../components/state_chip";
import type { Check, StatusDocument } from "../documents";
import { useDocument } from "../use_document";

const WORDS: Record<Check["state"], string> = { ok: "ok", warn: "look", bad: "wrong", unknown: "not known" };
const TONES = { ok: "ok", warn: "warn", bad: "bad", unknown: "idle" } as const;

export function Status() {
  const loaded = useDocument<StatusDocument>("/status");
  const checks = loaded.data?.checks ?? [];
  return (
    <Page title="Status" loaded={loaded} lead="Checks in the order in which things depend on each other: start with the first that is not in order.">
      <section class="panel" aria-label="Checks">
        {loaded.data === null && <p class="empty waiting">Loading…</p>}
        <ol class="checks">
          {checks.map((check) => (
            <li key={check.name}>
              <StateChip state={WORDS[check.state]} tone={TONES[check.state]} />
              <div>
                <h2>{check.title}</h2>
                <p>{check.detail}</p>
                {check.remedy && (
                  <p class="remedy">
                    <b>What to do:</b> {check.remedy}
                  </p>
                )}
              </div>
            </li>
          ))}
        </ol>
      </section>
    </Page>
  );
}
