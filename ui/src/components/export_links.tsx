import { address } from "../api";
import { useSay } from "./toasts";

interface Props {
  path: string;
  parameters: Record<string, string>;
}

const FORMS = [
  ["CSV", "text/csv", "csv"],
  ["JSON", "application/json", "json"],
] as const;
const MOST_ROWS = 1000;

/** The rows that match, as a file. The form is chosen by the Accept header, so a plain link would not do. */
export function ExportLinks({ path, parameters }: Props) {
  const say = useSay();
  const save = async (accept: string, ending: string) => {
    const { page: _, ...others } = parameters;
    const query = ending === "json" ? { ...others, per_page: MOST_ROWS } : others;
    try {
      const response = await fetch(address(path, query), { headers: { accept } });
      if (!response.ok) throw new Error(`The service answered ${response.status}`);
      download(await response.blob(), `${path.slice(1).replaceAll("/", "-")}.${ending}`);
    } catch (cause) {
      say(`Nothing was saved: ${cause instanceof Error ? cause.message : String(cause)}`, "bad");
    }
  };
  return (
    <span class="exports">
      {FORMS.map(([name, accept, ending]) => (
        <button key={name} type="button" title={`Save these rows as ${name}`} onClick={() => void save(accept, ending)}>
          {name}
        </button>
      ))}
    </span>
  );
}

function download(content: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
