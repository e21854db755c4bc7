import { PageLink } from "../../components/page_link";
import { topicPath } from "../../components/partition_columns";
import { RowsTable } from "../../components/rows_table";
import { StateChip } from "../../components/state_chip";
import type { RoutingDocument, RoutingLine } from "../../documents";
import { shortClass } from "../../format";
import { settingText, settingsOf } from "../../settings_text";

type Group = RoutingDocument["groups"][number];
const MOST_SHOWN = 12;

/** The lines of one group of the table. */
export function GroupLines({ group }: { group: Group }) {
  return (
    <RowsTable
      title={`Group ${group.name}`}
      rows={group.lines}
      rowKey={(line) => `${line.kind}/${line.topic ?? line.pattern}/${line.consumer}`}
      empty="This group takes nothing."
      columns={[
        { title: "Takes", cell: (line) => <Source line={line} /> },
        { title: "Consumer", cell: (line) => <span title={line.consumer}>{shortClass(line.consumer)}</span> },
        { title: "Topics found", class: "wrap", cell: (line) => <Found line={line} /> },
        { title: "Settings", class: "wrap", cell: (line) => <Values values={line.settings} /> },
        { title: "Dead letters", class: "wrap", cell: (line) => <DeadLetters line={line} /> },
      ]}
    />
  );
}

function Source({ line }: { line: RoutingLine }) {
  if (line.kind === "topic" && line.topic) {
    return (
      <>
        <PageLink to={topicPath(line.topic)}>{line.topic}</PageLink> {line.missing && <StateChip state="missing" title="This topic does not exist" />}
      </>
    );
  }
  return (
    <>
      <code>{line.pattern}</code>
      {line.name && <span class="note"> {line.name}</span>}
    </>
  );
}

function Found({ line }: { line: RoutingLine }) {
  if (line.found.length === 0) return <span class="note">none yet</span>;
  const more = line.found.length - MOST_SHOWN;
  return (
    <>
      {line.found.slice(0, MOST_SHOWN).map((topic, index) => (
        <span key={topic}>
          {index > 0 && ", "}
          <PageLink to={topicPath(topic)}>{topic}</PageLink>
        </span>
      ))}
      {more > 0 && ` and ${more} more`}
    </>
  );
}

function DeadLetters({ line }: { line: RoutingLine }) {
  const { topic, ...others } = line.dead_letter ?? {};
  if (typeof topic !== "string") return <span class="note">{line.dead_letter ? <Values values={line.dead_letter} /> : "none: retried until done"}</span>;
  return (
    <>
      <PageLink to={`/dead-letters/${encodeURIComponent(topic)}`}>{topic}</PageLink> <Values values={others} />
    </>
  );
}

function Values({ values }: { values: Record<string, unknown> }) {
  return (
    <span class="values">
      {settingsOf(values).map(([name, value]) => (
        <span key={name}>
          {name} <b>{settingText(value)}</b>
        </span>
      ))}
    </span>
  );
}
