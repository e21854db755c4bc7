import { useEffect, useRef, useState } from "preact/hooks";
import { type Problem, type Query, address } from "./api";
import { follow } from "./feed";
import { usePreferences } from "./preferences";

export interface Loaded<Doc> {
  /** The newest document that came; of the same path as asked for, the query may be older. */
  data: Doc | null;
  /** When it came, in ms since 1970. */
  updatedAt: number | null;
  /** What the last attempt said, where it brought no document. */
  problem: Problem | null;
  /** Whether `data` is older than it should be. */
  stale: boolean;
  /** Whether what is shown belongs to another query than the one asked for. */
  loading: boolean;
  /** Asks again at once. */
  reload: () => void;
}

export interface Options {
  /** Ask in place of a stream. */
  poll?: boolean;
  /** Ask no more often than this. */
  atLeastS?: number;
  /** Ask one time only: for what does not change. */
  once?: boolean;
}

interface State<Doc> {
  path: string;
  url: string;
  data: Doc | null;
  updatedAt: number | null;
  problem: Problem | null;
}

/** A document of the service that renews itself as often as the picker says. */
export function useDocument<Doc>(path: string, query: Query = {}, options: Options = {}): Loaded<Doc> {
  const { refreshS } = usePreferences();
  const url = address(path, query);
  const [state, setState] = useState<State<Doc>>({ path, url, data: null, updatedAt: null, problem: null });
  const [again, setAgain] = useState(0);
  const every = refreshS === 0 || options.once === true ? 0 : Math.max(refreshS, options.atLeastS ?? 0);
  const poll = options.poll === true;
  const held = useRef(state);
  held.current = state;

  useEffect(() => {
    return follow<Doc>(
      { url, refreshS: every, poll },
      {
        document: (data) => setState({ path, url, data, updatedAt: Date.now(), problem: null }),
        problem: (problem) => {
          const { data, updatedAt, path: shown } = held.current;
          setState({ path, url, problem, ...(shown === path ? { data, updatedAt } : { data: null, updatedAt: null }) });
        },
      },
    );
  }, [url, every, poll, again]);

  const same = state.path === path;
  return {
    data: same ? state.data : null,
    updatedAt: same ? state.updatedAt : null,
    problem: state.url === url ? state.problem : null,
    stale: same && state.data !== null && state.problem !== null,
    loading: state.url !== url,
    reload: () => setAgain((count) => count + 1),
  };
}
