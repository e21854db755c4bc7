import { address, problemOf, send } from "../../api";
import { ActionButton } from "../../components/action_button";
import { ProblemBanner } from "../../components/problem_banner";
import { RelativeTime } from "../../components/relative_time";
import { StateChip } from "../../components/state_chip";
import { useSay } from "../../components/toasts";
import type { Document } from "../../documents";
import { count } from "../../format";
import { useActions } from "../../live";
import type { Redrive } from "../../topic_documents";
import { useDocument } from "../../use_document";

interface RedrivesDocument extends Document {
  redrives: Redrive[];
}

const MOST_SHOWN = 5;

/** The redrives of a topic, running ones first: the service keeps them, so a reload loses nothing. */
export function Redrives({ topic }: { topic: string }) {
  const { data, problem, reload } = useDocument<RedrivesDocument>("/api/redrives", {}, { poll: true });
  const ours = (data?.redrives ?? []).filter((one) => one.topic === topic).slice(0, MOST_SHOWN);
  if (problem) return <ProblemBanner problem={problem} />;
  if (ours.length === 0) return null;
  return (
    <section class="panel" aria-label="Redrives">
      <div class="phead">
        <h2>Redrives</h2>
      </div>
      <ul class="redrives">
        {ours.map((one) => (
          <Line key={one.id} redrive={one} onDone={reload} />
        ))}
      </ul>
    </section>
  );
}

function Line({ redrive, onDone }: { redrive: Redrive; onDone: () => void }) {
  const permission = useActions();
  const say = useSay();
  const { id, state, dry_run: dry, done, skipped, failed, total } = redrive;
  const cancel = () =>
    send("DELETE", address(`/api/redrives/${encodeURIComponent(id)}`)).then(onDone, (cause: unknown) => say(problemOf(cause).message, "bad"));
  const gone = done + skipped + failed;
  return (
    <li>
      <StateChip state={state} />
      <span>
        {dry ? "Dry run" : "Redrive"}
        {redrive.by && ` by ${redrive.by}`}, <RelativeTime time={redrive.started_at} />
      </span>
      <progress max={Math.max(total ?? gone, 1)} value={gone} aria-label={`Progress of ${dry ? "the dry run" : "the redrive"}`} />
      <span class="note">
        {count(done)} {dry ? "would be sent" : "sent"}, {count(skipped)} sent before, {count(failed)} failed, of {count(total)}
        {redrive.detail && `: ${redrive.detail}`}
      </span>
      {state === "running" && (
        <ActionButton permission={permission} onPress={() => void cancel()}>
          Cancel
        </ActionButton>
      )}
    </li>
  );
}
