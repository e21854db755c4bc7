// How the pages talk to the service: JSON both ways, problem documents as errors.

/** An application/problem+json answer, or what stands for it where no answer came. */
export interface ProblemBody {
  status: number;
  code: string;
  title: string;
  detail: string;
}

export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly title: string;

  constructor(body: ProblemBody) {
    super(body.detail || body.title);
    this.name = "Problem";
    this.status = body.status;
    this.code = body.code;
    this.title = body.title;
  }
}

export type QueryValue = string | number | boolean | null | undefined;
export type Query = Record<string, QueryValue>;

/** The path below which everything of the dashboard lies, without a slash at its end. */
export function readBase(): string {
  return document.querySelector<HTMLMetaElement>('meta[name="base"]')?.content ?? "/dashboard";
}

/** `?a=1&b=2`, or nothing; without members that are empty. */
export function queryText(query: Query): string {
  const pairs = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "" && value !== false);
  const text = new URLSearchParams(pairs.map(([name, value]) => [name, String(value)])).toString();
  return text ? `?${text}` : "";
}

/** The address of a document: `path` starts with a slash or is empty (the overview). */
export function address(path: string, query: Query = {}): string {
  return `${readBase()}${path}${queryText(query)}`;
}

/** The address of a call outside of the dashboard, such as `/produce`. */
export function serviceAddress(path: string, query: Query = {}): string {
  return `${readBase().replace(/\/dashboard$/, "")}${path}${queryText(query)}`;
}

/** Makes a Problem of anything that was thrown or sent in place of a document. */
export function problemOf(cause: unknown): Problem {
  if (cause instanceof Problem) return cause;
  const detail = cause instanceof Error ? cause.message : String(cause);
  return new Problem({ status: 0, code: "unreachable", title: "The service does not answer", detail });
}

async function bodyOf(response: Response): Promise<unknown> {
  const text = await response.text();
  if (!text) return null;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function refusal(response: Response, body: unknown): Problem {
  const given = (typeof body === "object" && body !== null ? body : {}) as Partial<ProblemBody>;
  const title = given.title ?? response.statusText ?? `Status ${response.status}`;
  return new Problem({ status: response.status, code: given.code ?? "", title, detail: given.detail ?? "" });
}

async function call<Answer>(url: string, init: RequestInit): Promise<Answer> {
  const response = await fetch(url, init).catch((cause: unknown) => {
    if (init.signal?.aborted) throw cause;
    throw problemOf(cause);
  });
  const body = await bodyOf(response);
  if (!response.ok) throw refusal(response, body);
  return body as Answer;
}

/** GET; throws Problem. */
export function fetchJson<Answer>(url: string, signal?: AbortSignal): Promise<Answer> {
  return call<Answer>(url, { headers: { accept: "application/json" }, ...(signal && { signal }) });
}

/** POST, PATCH or DELETE with a JSON body; throws Problem. */
export function send<Answer>(method: "POST" | "PATCH" | "DELETE", url: string, body: unknown = {}): Promise<Answer> {
  return sendText<Answer>(method, url, JSON.stringify(body));
}

/** As `send`, with a body that is JSON text already. */
export function sendText<Answer>(method: "POST" | "PATCH" | "DELETE", url: string, body: string): Promise<Answer> {
  const headers = { accept: "application/json", "content-type": "application/json" };
  return call<Answer>(url, { method, headers, body });
}
