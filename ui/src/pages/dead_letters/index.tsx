import { DataTable } from "../../components/data_table";
import { Page } from "../../components/page";
import { PageLink } from "../../components/page_link";
import { topicPath } from "../../components/partition_columns";
import { Quantity } from "../../components/quantity";
import { RelativeTime } from "../../components/relative_time";
import type { Column } from "../../components/table_head";
import type { TableDocument } from "../../documents";
import { shortClass } from "../../format";
import type { DeadLetterRow } from "../../topic_documents";
import { useDocument } from "../../use_document";
import { useTableQuery } from "../../use_table_query";

export function deadLettersPath(topic: string): string {
  return `/dead-letters/${encodeURIComponent(topic)}`;
}

const COLUMNS: readonly Column<DeadLetterRow>[] = [
  { title: "Dead-letter topic", sort: "topic", cell: (row) => <PageLink to={deadLettersPath(row.topic)}>{row.topic}</PageLink> },
  { title: "Messages", sort: "messages", class: "num strong", cell: (row) => <Quantity value={row.messages} /> },
  { title: "Per minute", sort: "per_min", class: "num", cell: (row) => <Quantity value={row.per_min} unit="rate" /> },
  { title: "Last", sort: "last_at", cell: (row) => <RelativeTime time={row.last_at} /> },
  { title: "Since the start", sort: "dispatched", class: "num wide", cell: (row) => <Quantity value={row.dispatched} /> },
  { title: "Reasons of the newest", class: "wide", cell: (row) => <Reasons row={row} /> },
  { title: "From", class: "wide", cell: (row) => <Sources row={row} /> },
];

function Reasons({ row }: { row: DeadLetterRow }) {
  if (row.reasons.length === 0) return <span class="note">–</span>;
  return (
    <span class="values">
      {row.reasons.slice(0, 3).map((reason) => (
        <span key={reason.error_class} title={reason.error_class}>
          {shortClass(reason.error_class)} <b>{reason.count}</b>
        </span>
      ))}
      {row.reasons.length > 3 && <span>and {row.reasons.length - 3} more</span>}
    </span>
  );
}

function Sources({ row }: { row: DeadLetterRow }) {
  return (
    <>
      {row.sources.map((topic, index) => (
        <span key={topic}>
          {index > 0 && ", "}
          <PageLink to={topicPath(topic)}>{topic}</PageLink>
        </span>
      ))}
    </>
  );
}

export function DeadLetters() {
  const state = useTableQuery();
  const loaded = useDocument<TableDocument<DeadLetterRow>>("/dead-letters", state.parameters);
  return (
    <Page title="Dead letters" loaded={loaded} lead="Messages that consumers gave up on, with the reason, kept to be looked at and sent again.">
      <DataTable
        title="Dead-letter topics"
        columns={COLUMNS}
        table={loaded.data?.table ?? null}
        state={state}
        rowKey={(row) => row.topic}
        search="Filter: topic, reason"
        empty="No line of the routing table has a dead-letter topic."
        exports="/dead-letters"
        loading={loaded.loading}
      />
    </Page>
  );
}
