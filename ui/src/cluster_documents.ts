// What the service says of the brokers, for the pages Cluster and Learn.
import type { Document, TableDocument } from "./documents";

export interface BrokerRow {
  id: number;
  host: string | null;
  port: number | null;
  rack: string | null;
  controller: boolean;
  leads: number | null;
  replicas: number | null;
  size_bytes: number | null;
}

export interface TroubledPartition {
  topic: string;
  partition: number;
  kind: "offline" | "under_replicated" | "under_min_isr";
  /** The broker that leads it; null or -1 where there is none. */
  leader: number | null;
  replicas: number[];
  isr: number[];
  detail: string;
}

export interface ClusterDocument extends Document {
  cluster_id: string | null;
  version: string | null;
  kind: string | null;
  controller: number | null;
  brokers: BrokerRow[];
  troubled: TableDocument<TroubledPartition>["table"];
  partitions: number | null;
}

export interface TaughtPartition {
  partition: number;
  leader: number | null;
  replicas: number[];
  isr: number[];
  begin: number | null;
  end: number | null;
}

export interface TaughtTopic {
  topic: string;
  partitions: TaughtPartition[];
}

export interface TaughtMember {
  member: string;
  instance: string | null;
  client_id: string | null;
  partitions: { topic: string; partition: number }[];
}

export interface TaughtGroup {
  group: string;
  members: TaughtMember[];
  /** How many members have no partition. */
  idle: number;
}

export interface LearnDocument extends Document {
  brokers: { id: number; controller: boolean }[];
  topics: TaughtTopic[];
  groups: TaughtGroup[];
}
