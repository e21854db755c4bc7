import { useEffect, useRef, useState } from "preact/hooks";
import { type Problem, address, fetchJson, problemOf } from "../../../api";
import type { MessagesDocument } from "../../../topic_documents";

interface Found {
  data: MessagesDocument | null;
  problem: Problem | null;
  busy: boolean;
  cancel: () => void;
  again: () => void;
}

/** Asks for a page of messages; a new question cancels the one before. `ask` null: nothing to ask. */
export function useMessages(topic: string, ask: Record<string, string> | null): Found {
  const [state, setState] = useState<Pick<Found, "data" | "problem" | "busy">>({ data: null, problem: null, busy: false });
  const [times, setTimes] = useState(0);
  const abort = useRef<AbortController | null>(null);
  const url = ask && address(`/api/topics/${encodeURIComponent(topic)}/messages`, ask);
  useEffect(() => {
    if (url === null) return undefined;
    const controller = new AbortController();
    abort.current = controller;
    setState((before) => ({ ...before, problem: null, busy: true }));
    fetchJson<MessagesDocument>(url, controller.signal).then(
      (data) => setState({ data, problem: null, busy: false }),
      (cause: unknown) => {
        const problem = controller.signal.aborted ? null : problemOf(cause);
        setState(({ data }) => ({ data: problem ? null : data, problem, busy: false }));
      },
    );
    return () => controller.abort();
  }, [url, times]);
  return { ...state, cancel: () => abort.current?.abort(), again: () => setTimes((count) => count + 1) };
}
