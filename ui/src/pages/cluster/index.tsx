import { Page } from "../../components/page";
import type { ClusterDocument } from "../../cluster_documents";
import { counted } from "../../format";
import { useDocument } from "../../use_document";
import { useTableQuery } from "../../use_table_query";
import { Brokers } from "./brokers";
import { Troubled } from "./troubled";

const SLOWLY_S = 5;

export function Cluster() {
  const state = useTableQuery();
  const loaded = useDocument<ClusterDocument>("/cluster", state.parameters, { atLeastS: SLOWLY_S });
  const { data } = loaded;
  return (
    <Page title="Cluster" loaded={loaded} lead={data ? summary(data) : "Asking the brokers…"}>
      {data && <Brokers document={data} />}
      <Troubled table={data?.troubled ?? null} state={state} loading={loaded.loading} />
    </Page>
  );
}

function summary({ brokers, partitions, version, cluster_id: id, kind }: ClusterDocument): string {
  const parts = [
    `${kind === "mock" ? "in-memory broker" : "Kafka"}${version ? ` ${version}` : ""}`,
    counted(brokers.length, "broker"),
    ...(partitions === null ? [] : [counted(partitions, "partition")]),
    ...(id ? [`cluster ${id}`] : []),
  ];
  return parts.join(" · ");
}
