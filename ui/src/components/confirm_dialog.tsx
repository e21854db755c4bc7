import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { type Problem, problemOf } from "../api";
import { ProblemBanner } from "./problem_banner";

interface Props {
  title: string;
  /** What will happen: the preview of old and new stands here. */
  children: ComponentChildren;
  /** The button that does it. */
  action: string;
  danger?: boolean;
  /** For what cannot be undone: the viewer types this text first. */
  typed?: string;
  /** Whether the button waits for something else, such as a preview. */
  blocked?: boolean;
  onConfirm: () => Promise<void>;
  onClose: () => void;
}

/** Asks before something is done, and says what came of it. It is open as long as it is there. */
export function ConfirmDialog({ title, children, action, danger, typed, blocked, onConfirm, onClose }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  const [text, setText] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  useEffect(() => dialog.current?.showModal(), []);

  const ready = !busy && blocked !== true && (typed === undefined || text === typed);
  const submit = async (event: Event) => {
    event.preventDefault();
    if (!ready) return;
    setBusy(true);
    setProblem(null);
    try {
      await onConfirm();
      onClose();
    } catch (cause) {
      setProblem(problemOf(cause));
      setBusy(false);
    }
  };
  return (
    <dialog ref={dialog} aria-labelledby={heading} onClose={onClose}>
      <form onSubmit={submit}>
        <h2 id={heading}>{title}</h2>
        <div class="dialog-body">
          {children}
          {typed !== undefined && (
            <label class="field">
              <span>
                Type <code>{typed}</code> to confirm
              </span>
              <input type="text" value={text} autocomplete="off" spellcheck={false} onInput={(event) => setText(event.currentTarget.value)} />
            </label>
          )}
          <ProblemBanner problem={problem} />
        </div>
        <div class="dialog-actions">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class={danger ? "danger" : "primary"} disabled={!ready}>
            {busy ? "Working…" : action}
          </button>
        </div>
      </form>
    </dialog>
  );
}
