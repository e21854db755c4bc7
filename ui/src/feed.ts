// A document again and again: by server-sent events where they work, by asking where they do not.
import { type Problem, fetchJson, problemOf } from "./api";

export interface Listener<Doc> {
  document: (document: Doc) => void;
  problem: (problem: Problem) => void;
}

export interface Source {
  /** The document's address without the refresh parameter. */
  url: string;
  /** Seconds between two documents; 0 asks once. */
  refreshS: number;
  /** Ask again and again in place of a stream: for data that changes slowly, and to keep connections free. */
  poll: boolean;
}

export type Stop = () => void;
const RETRY_MS = 3000;
/** A stream may break off for so long before that is said: the service ends each after some minutes, and it comes again. */
const GRACE_MS = 6000;

function withRefresh(source: Source): string {
  return `${source.url}${source.url.includes("?") ? "&" : "?"}refresh=${source.refreshS}`;
}

function ask<Doc>(source: Source, listener: Listener<Doc>): Stop {
  const abort = new AbortController();
  let timer = 0;
  const once = async () => {
    try {
      listener.document(await fetchJson<Doc>(source.url, abort.signal));
    } catch (cause) {
      if (!abort.signal.aborted) listener.problem(problemOf(cause));
    }
    if (source.refreshS > 0 && !abort.signal.aborted) timer = window.setTimeout(once, source.refreshS * 1000);
  };
  void once();
  return () => {
    abort.abort();
    window.clearTimeout(timer);
  };
}

/** A stream; where it cannot be opened at all, asking takes its place. */
function stream<Doc>(source: Source, listener: Listener<Doc>): Stop {
  const events = new EventSource(withRefresh(source));
  let instead: Stop = () => undefined;
  let heard = false;
  let silence = 0;
  events.addEventListener("document", (event) => {
    heard = true;
    window.clearTimeout(silence);
    silence = 0;
    listener.document(JSON.parse(event.data as string) as Doc);
  });
  events.addEventListener("problem", (event) => listener.problem(problemOfText(event.data as string)));
  events.addEventListener("end", () => listener.problem(problemOf("The service is stopping")));
  events.onerror = () => {
    if (heard && silence === 0) silence = window.setTimeout(() => listener.problem(problemOf("The connection was lost")), GRACE_MS);
    if (events.readyState !== EventSource.CLOSED) return;
    events.close();
    instead = later(() => ask(source, listener), heard ? RETRY_MS : 0);
  };
  return () => {
    window.clearTimeout(silence);
    events.close();
    instead();
  };
}

function problemOfText(text: string): Problem {
  const body = JSON.parse(text) as { status?: number; code?: string; title?: string; detail?: string };
  const problem = problemOf(body.detail ?? body.title ?? text);
  return Object.assign(problem, { status: body.status ?? 0, code: body.code ?? "", title: body.title ?? problem.title });
}

function later(start: () => Stop, delayMs: number): Stop {
  let stop: Stop = () => undefined;
  const timer = window.setTimeout(() => (stop = start()), delayMs);
  return () => {
    window.clearTimeout(timer);
    stop();
  };
}

/** Starts listening. A hidden tab holds no connection: browsers allow six for all tabs together. */
export function follow<Doc>(source: Source, listener: Listener<Doc>): Stop {
  const start = () => (source.poll || source.refreshS === 0 ? ask(source, listener) : stream(source, listener));
  let stop: Stop = start();
  let visible = true;
  const turn = () => {
    const now = document.visibilityState === "visible";
    if (now === visible || source.refreshS === 0) return;
    visible = now;
    stop();
    stop = now ? start() : () => undefined;
  };
  document.addEventListener("visibilitychange", turn);
  return () => {
    document.removeEventListener("visibilitychange", turn);
    stop();
  };
}
