import { useEffect, useState } from "preact/hooks";
import { type Problem, problemOf, send } from "./api";

export interface Previewed<Answer> {
  preview: Answer | null;
  problem: Problem | null;
}

const PAUSE_MS = 300;

/** Asks the service what an action would do, when typing has paused; `body` null: nothing to ask yet. */
export function usePreview<Answer>(method: "POST" | "PATCH", url: string, body: unknown): Previewed<Answer> {
  const [state, setState] = useState<Previewed<Answer>>({ preview: null, problem: null });
  const wanted = JSON.stringify(body);
  useEffect(() => {
    setState({ preview: null, problem: null });
    if (body === null) return undefined;
    let current = true;
    const timer = window.setTimeout(() => {
      send<Answer>(method, url, body).then(
        (preview) => current && setState({ preview, problem: null }),
        (cause: unknown) => current && setState({ preview: null, problem: problemOf(cause) }),
      );
    }, PAUSE_MS);
    return () => {
      current = false;
      window.clearTimeout(timer);
    };
  }, [url, wanted]);
  return state;
}
