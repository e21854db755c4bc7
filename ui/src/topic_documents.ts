// The documents of topics, their messages and dead letters. `null` means: not known.
import type { Content } from "./components/json_viewer";
import type { Document, Time } from "./documents";

export interface TopicRow {
  topic: string;
  internal: boolean;
  partitions: number;
  replicas: number;
  under_replicated: number;
  offline: number;
  messages: number | null;
  size_bytes: number | null;
  cleanup_policy: string | null;
  groups: { group: string; lag: number | null }[];
  consumer: string | null;
  dlq: boolean;
}

export interface TopicPartition {
  partition: number;
  leader: number | null;
  replicas: number[];
  isr: number[];
  begin: number | null;
  end: number | null;
  messages: number | null;
  size_bytes: number | null;
}

export interface ConfigRow {
  name: string;
  value: string | null;
  source: string;
  default: boolean;
  read_only: boolean;
  sensitive: boolean;
}

export interface TopicGroup {
  group: string;
  state: string | null;
  lag: number | null;
  members: number | null;
}

export interface TopicDocument extends Document {
  topic: string;
  internal?: boolean;
  partitions: TopicPartition[];
  config: ConfigRow[] | null;
  groups: TopicGroup[] | null;
  dlq: boolean;
  masked: boolean;
  routed: string[];
}

export interface Message {
  partition: number;
  offset: number;
  timestamp: Time | null;
  timestamp_type: "create" | "append";
  key: Content;
  value: Content;
  headers: [string, Content][];
  size_bytes: number;
}

export interface MessagesDocument extends Document {
  messages: Message[];
  scanned: { messages: number; bytes: number; partitions: number };
  ended: "limit" | "end" | "time" | "bytes" | "count";
  older: string | null;
  newer: string | null;
}

export interface MessageDocument extends Document, Message {
  previous: number | null;
  next: number | null;
}

export interface Reasons {
  error_class: string;
  count: number;
}

export interface DeadLetterRow {
  topic: string;
  messages: number | null;
  dispatched: number;
  per_min: number | null;
  last_at: Time | null;
  reasons: Reasons[];
  sources: string[];
}

export interface Death {
  source_topic: string | null;
  source_partition: number | null;
  source_offset: number | null;
  error_class: string | null;
  error_message: string | null;
  attempts: number | null;
  failed_at: Time | null;
  redriven: boolean | null;
}

export interface DeadLettersDocument extends Document {
  topic: string;
  messages: (Message & { dead: Death })[];
  older: string | null;
  newer: string | null;
}

export interface Redrive {
  id: string;
  topic: string;
  state: "running" | "done" | "cancelled" | "failed";
  dry_run: boolean;
  total: number | null;
  done: number;
  skipped: number;
  failed: number;
  by: string | null;
  started_at: Time;
  ended_at: Time | null;
  detail: string | null;
}
