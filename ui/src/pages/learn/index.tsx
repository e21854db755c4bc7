import { Page } from "../../components/page";
import type { LearnDocument } from "../../cluster_documents";
import { useDocument } from "../../use_document";
import { useTableQuery } from "../../use_table_query";
import { withFilter } from "../../table_query";
import { BrokersLesson } from "./brokers_lesson";
import { GroupLesson } from "./group_lesson";
import { LogLesson } from "./log_lesson";
import { Picker } from "./picker";
import { ReplicasLesson } from "./replicas_lesson";

const SLOWLY_S = 5;

/** What the words of Kafka mean, drawn with what this cluster has at the moment. */
export function Learn() {
  const loaded = useDocument<LearnDocument>("/learn", {}, { atLeastS: SLOWLY_S });
  const { query, setQuery } = useTableQuery(["topic", "group"]);
  const { data } = loaded;
  const topic = data?.topics.find((one) => one.topic === query.filters.topic) ?? data?.topics[0] ?? null;
  const group = data?.groups.find((one) => one.group === query.filters.group) ?? data?.groups[0] ?? null;
  return (
    <Page title="Learn" loaded={loaded} lead="The words of Kafka, drawn with what this cluster has at this moment.">
      {data && (
        <>
          <BrokersLesson brokers={data.brokers} />
          <Picker
            label="Topic"
            names={data.topics.map((one) => one.topic)}
            chosen={topic?.topic ?? null}
            onChoose={(name) => setQuery(withFilter(query, "topic", name))}
          />
          {topic ? (
            <>
              <ReplicasLesson topic={topic} brokers={data.brokers.map((broker) => broker.id)} />
              <LogLesson topic={topic} />
            </>
          ) : (
            <p class="empty">There is no topic yet. Produce a message, and look again.</p>
          )}
          <Picker
            label="Group"
            names={data.groups.map((one) => one.group)}
            chosen={group?.group ?? null}
            onChoose={(name) => setQuery(withFilter(query, "group", name))}
          />
          {group ? <GroupLesson group={group} /> : <p class="empty">No group consumes at the moment.</p>}
        </>
      )}
    </Page>
  );
}
