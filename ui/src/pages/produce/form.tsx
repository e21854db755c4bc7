import { useState } from "preact/hooks";
import { type Problem, problemOf, sendText, serviceAddress } from "../../api";
import { ActionButton } from "../../components/action_button";
import { ProblemBanner } from "../../components/problem_banner";
import { Segments } from "../../components/segments";
import type { Permission, ProduceDocument } from "../../documents";
import { useMe } from "../../live";
import { type Draft, EMPTY_DRAFT, type Mode, bodyOf, checkPayload } from "../../produce_body";
import { HeaderFields } from "./header_fields";
import { PayloadField } from "./payload_field";
import { type Report, ReportView } from "./report";

const MODES: readonly (readonly [Mode, string])[] = [
  ["sync", "Wait for the verdict"],
  ["async", "Take a receipt"],
];

function useSending() {
  const [busy, setBusy] = useState(false);
  const [report, setReport] = useState<Report | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const post = async (draft: Draft) => {
    setBusy(true);
    setProblem(null);
    setReport(null);
    try {
      setReport(await sendText<Report>("POST", serviceAddress("/produce", { mode: draft.mode }), bodyOf(draft)));
    } catch (cause) {
      setProblem(problemOf(cause));
    }
    setBusy(false);
  };
  return { busy, report, problem, post };
}

/** Why a draft cannot be sent, or that it can. */
function permissionOf(draft: Draft, fits: boolean, given: Permission | undefined, busy: boolean): Permission {
  if (given && !given.allowed) return given;
  if (busy) return { allowed: false, why_not: "The last message is still on its way" };
  if (draft.topic.trim() === "") return { allowed: false, why_not: "Name a topic first" };
  return fits ? { allowed: true, why_not: null } : { allowed: false, why_not: "The payload is not valid yet" };
}

/** Sends one message by the same call that clients use. */
export function Form({ document }: { document: ProduceDocument }) {
  const [draft, setDraft] = useState<Draft>(EMPTY_DRAFT);
  const { busy, report, problem, post } = useSending();
  const me = useMe();
  const change = (part: Partial<Draft>) => setDraft((before) => ({ ...before, ...part }));
  const verdict = checkPayload(draft, document.limits.max_payload_bytes);
  const permission = permissionOf(draft, verdict.ok, document.permission ?? me?.produce, busy);
  return (
    <section class="panel padded form" aria-label="Send a message">
      <h2>Send a message</h2>
      <div class="row">
        <TopicField document={document} topic={draft.topic} onChange={(topic) => change({ topic })} />
        <label class="field">
          <span>Key</span>
          <input type="text" value={draft.key} autocomplete="off" placeholder="none" onInput={(event) => change({ key: event.currentTarget.value })} />
        </label>
      </div>
      <HeaderFields headers={draft.headers} onChange={(headers) => change({ headers })} />
      <PayloadField draft={draft} verdict={verdict} onChange={change} />
      <div class="form-end">
        <Segments label="Mode" choices={MODES} chosen={draft.mode} onChoose={(mode) => change({ mode })} />
        <ActionButton permission={permission} tone="primary" onPress={() => void post(draft)}>
          {busy ? "Sending…" : "Send"}
        </ActionButton>
      </div>
      <ProblemBanner problem={problem} />
      {report && <ReportView report={report} />}
    </section>
  );
}

interface TopicProps {
  document: ProduceDocument;
  topic: string;
  onChange: (topic: string) => void;
}

function TopicField({ document, topic, onChange }: TopicProps) {
  const known = document.topics.includes(topic.trim());
  const hint = document.schemas.includes(topic.trim())
    ? "payloads are checked against its JSON Schema"
    : topic.trim() !== "" && !known
      ? "not among the topics that may be produced to"
      : `${document.topics.length} topics may be produced to`;
  return (
    <label class="field">
      <span>Topic</span>
      <input type="text" list="topics" value={topic} autocomplete="off" spellcheck={false} required onInput={(event) => onChange(event.currentTarget.value)} />
      <datalist id="topics">
        {document.topics.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      <span class="hint">{hint}</span>
    </label>
  );
}
