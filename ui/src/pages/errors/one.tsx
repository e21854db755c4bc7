import { useParams } from "wouter-preact";
import { Facts } from "../../components/facts";
import { Page } from "../../components/page";
import { PageLink } from "../../components/page_link";
import { Place } from "../../components/place";
import { Quantity } from "../../components/quantity";
import { RelativeTime } from "../../components/relative_time";
import { StateChip } from "../../components/state_chip";
import type { ErrorDocument } from "../../documents";
import { shortClass } from "../../format";
import { useDocument } from "../../use_document";

export function ErrorPage() {
  const { id = "" } = useParams<{ id: string }>();
  const loaded = useDocument<ErrorDocument>(`/errors/${encodeURIComponent(decodeURIComponent(id))}`);
  const { data } = loaded;
  return (
    <Page title={data ? shortClass(data.class) : "Error"} loaded={loaded} lead={<PageLink to="/errors">All errors</PageLink>}>
      {data && <About error={data} />}
      {data && <Traceback text={data.traceback} />}
    </Page>
  );
}

function About({ error }: { error: ErrorDocument }) {
  return (
    <section class="panel padded" aria-label="About this error">
      <p class="message">{error.message}</p>
      <Facts
        facts={[
          ["Class", <code key="class">{error.class}</code>],
          ["Kind", <StateChip key="kind" state={error.kind} tone="bad" />],
          ["Count", <Quantity key="count" value={error.count} />],
          ["Attempts", <Quantity key="attempts" value={error.attempts} />],
          ["First", <RelativeTime key="first" time={error.first_at} />],
          ["Last", <RelativeTime key="last" time={error.last_at} />],
          ["Group", error.group ?? "–"],
          ["Consumer", error.consumer ?? "–"],
          ["Message", <Place key="place" topic={error.topic} partition={error.partition} offset={error.offset} />],
          ["Instance", error.instance],
        ]}
      />
      {error.offsets.length > 1 && <Offsets error={error} />}
    </section>
  );
}

function Offsets({ error }: { error: ErrorDocument }) {
  return (
    <p class="note">
      Last offsets:{" "}
      {error.offsets.map((offset, index) => (
        <span key={offset}>
          {index > 0 && ", "}
          <PageLink to={`/topics/${encodeURIComponent(error.topic ?? "")}?partition=${error.partition ?? 0}&offset=${offset}`}>{offset}</PageLink>
        </span>
      ))}
    </p>
  );
}

function Traceback({ text }: { text: string | null }) {
  if (text === null) return null;
  return (
    <section class="panel padded" aria-label="Traceback">
      <h2>Traceback</h2>
      <pre tabIndex={0}>{text}</pre>
    </section>
  );
}
