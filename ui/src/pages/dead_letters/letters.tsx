import { useState } from "preact/hooks";
import { useLocation, useParams, useSearch } from "wouter-preact";
import { ActionButton } from "../../components/action_button";
import { Page } from "../../components/page";
import { PageLink } from "../../components/page_link";
import { topicPath } from "../../components/partition_columns";
import type { Permission } from "../../documents";
import { counted } from "../../format";
import { useActions } from "../../live";
import type { DeadLettersDocument } from "../../topic_documents";
import { useDocument } from "../../use_document";
import { deadLettersPath } from "./index";
import { LettersTable } from "./letters_table";
import { RedriveDialog } from "./redrive_dialog";
import { Redrives } from "./redrives";

const LEAST_S = 10;
export type Records = "all" | [number, number][];

function forSelected(permission: Permission, many: number): Permission {
  return permission.allowed && many === 0 ? { allowed: false, why_not: "Select messages first" } : permission;
}

/** The dead letters of one topic, and what sends them again. */
export function Letters() {
  const { topic = "" } = useParams<{ topic: string }>();
  const name = decodeURIComponent(topic);
  const path = deadLettersPath(name);
  const [, navigate] = useLocation();
  const parameters = new URLSearchParams(useSearch());
  const cursor = { before: parameters.get("before"), after: parameters.get("after") };
  const loaded = useDocument<DeadLettersDocument>(path, cursor, { poll: true, atLeastS: LEAST_S });
  const permission = useActions();
  const [selected, select] = useState<ReadonlySet<string>>(new Set());
  const [records, redrive] = useState<Records | null>(null);
  const chosen = [...selected].map((text) => text.split(":").map(Number) as [number, number]);
  const { data } = loaded;
  return (
    <Page
      title={name}
      loaded={loaded}
      lead={
        <>
          <PageLink to="/dead-letters">All dead letters</PageLink> · <PageLink to={topicPath(name)}>as a topic</PageLink>
        </>
      }
      actions={
        <span class="row-actions">
          <ActionButton permission={forSelected(permission, chosen.length)} onPress={() => redrive(chosen)}>
            {chosen.length > 0 ? `Redrive ${counted(chosen.length, "message")}…` : "Redrive selected…"}
          </ActionButton>
          <ActionButton permission={permission} onPress={() => redrive("all")} tone="danger">
            Redrive all…
          </ActionButton>
        </span>
      }
    >
      <Redrives topic={name} />
      <LettersTable
        data={data}
        selected={selected}
        onSelect={select}
        onRedrive={(at) => redrive([at])}
        onCursor={(query) => navigate(`${path}?${query}`)}
      />
      {records && <RedriveDialog topic={name} records={records} onClose={() => redrive(null)} />}
    </Page>
  );
}
