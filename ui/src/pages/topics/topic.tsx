import { useParams, useSearch } from "wouter-preact";
import { Facts } from "../../components/facts";
import { Page } from "../../components/page";
import { PageLink } from "../../components/page_link";
import { topicPath } from "../../components/partition_columns";
import { Quantity } from "../../components/quantity";
import { StateChip } from "../../components/state_chip";
import { Tabs } from "../../components/tabs";
import { total } from "../../series";
import type { TopicDocument } from "../../topic_documents";
import { useDocument } from "../../use_document";
import { Config } from "./config";
import { Groups } from "./groups";
import { Messages } from "./messages";
import { Partitions } from "./partitions";
import { TopicActions } from "./topic_actions";

const TABS = [
  ["messages", "Messages"],
  ["partitions", "Partitions"],
  ["groups", "Groups"],
  ["config", "Configuration"],
] as const;
const LEAST_S = 5;

export function TopicPage() {
  const { topic = "" } = useParams<{ topic: string }>();
  const name = decodeURIComponent(topic);
  const path = topicPath(name);
  const search = useSearch();
  const tab = TABS.find(([one]) => one === new URLSearchParams(search).get("tab"))?.[0] ?? "messages";
  const loaded = useDocument<TopicDocument>(path, {}, { poll: true, atLeastS: LEAST_S });
  const { data, reload } = loaded;
  return (
    <Page
      title={name}
      loaded={loaded}
      lead={<PageLink to="/topics">All topics</PageLink>}
      actions={data && <TopicActions topic={data} onDone={reload} />}
    >
      {data && <About topic={data} />}
      <Tabs label="Parts of this topic" path={path} tabs={TABS} chosen={tab} />
      {tab === "messages" && <Messages key={name} topic={name} partitions={data?.partitions.length ?? 0} masked={data?.masked ?? false} />}
      {data && tab === "partitions" && <Partitions partitions={data.partitions} />}
      {data && tab === "groups" && <Groups topic={name} groups={data.groups} />}
      {data && tab === "config" && <Config topic={name} config={data.config} onDone={reload} />}
    </Page>
  );
}

function About({ topic }: { topic: TopicDocument }) {
  const { partitions, routed, dlq, masked } = topic;
  const behind = partitions.filter((one) => one.isr.length < one.replicas.length).length;
  return (
    <section class="panel padded" aria-label="About this topic">
      <Facts
        facts={[
          ["Partitions", <Quantity key="partitions" value={partitions.length} />],
          ["Messages", <Quantity key="messages" value={total(partitions.map((one) => one.messages))} />],
          ["Size", <Quantity key="size" value={total(partitions.map((one) => one.size_bytes))} unit="bytes" />],
          ["Replicas", <StateChip key="isr" state={behind > 0 ? `${behind} under-replicated` : "in sync"} tone={behind > 0 ? "warn" : "ok"} />],
          ["Consumer", routed.join(", ") || "none of this service"],
          ["Kind", <Kinds key="kind" dlq={dlq} masked={masked} topic={topic.topic} />],
        ]}
      />
    </section>
  );
}

function Kinds({ dlq, masked, topic }: { dlq: boolean; masked: boolean; topic: string }) {
  return (
    <span class="chips">
      {dlq && <PageLink to={`/dead-letters/${encodeURIComponent(topic)}`}>dead letters</PageLink>}
      {masked && <StateChip state="masked" title="What is in its messages is not shown" />}
      {!dlq && !masked && "ordinary"}
    </span>
  );
}
