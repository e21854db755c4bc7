// The documents of the service, as the dashboard reads them. `null` means: not known.

export type Health = "ok" | "degraded" | "unhealthy";
export type GroupState = "joining" | "stable" | "rebalancing" | "waiting_for_topics" | "failed" | "stopped";
export type PartitionState = "running" | "waiting" | "retrying" | "paused" | "draining";
export type Trend = "growing" | "shrinking" | "steady";
/** RFC 3339, UTC. */
export type Time = string;

export interface Document {
  schema_version: number;
  generated_at: Time;
}

export interface Reason {
  code: string;
  detail: string;
  since: Time | null;
}

export interface Service {
  name: string;
  version: string;
  instance: string;
  state: string;
  health: Health;
  reasons: Reason[];
  notes: { code: string; detail: string }[];
  started_at: Time;
  uptime_s: number;
  embedded_broker: boolean;
}

export interface Broker {
  reachable: boolean;
  kind: string;
  brokers: number | null;
  version: string | null;
}

export interface Percentiles {
  p50: number | null;
  p95?: number | null;
  p99: number | null;
}

export interface Produce {
  accepted: number;
  delivered: number;
  failed: number;
  unknown: number;
  by_code: Record<string, number>;
  per_s: { accepted: number | null; delivered: number | null; failed: number | null };
  ack_ms: Percentiles;
  in_flight: number;
  in_flight_limit: number;
  queue: { messages: number; limit: number; bytes: number; oldest_s: number | null };
  receipts: { pending: number; delivered: number; failed: number; unknown: number };
  client_rebuilds: number;
}

export interface Partition {
  topic: string;
  partition: number;
  consumer: string | null;
  state: PartitionState;
  committed: number | null;
  position: number | null;
  end: number | null;
  lag: number | null;
  lag_s: number | null;
  attempt: number | null;
  next_retry_at: Time | null;
  job_running_s: number | null;
  paused_by: string | null;
}

export interface Group {
  name: string;
  state: GroupState;
  assigned: number;
  rebalances: number;
  last_poll_s: number | null;
  last_commit_s: number | null;
  client_rebuilds: number;
}

export interface Consume {
  totals: { batches: number; messages: number; errors: number; retries: number; dead: number };
  per_s: { messages: number | null; errors: number | null };
  consume_ms: Percentiles;
  lag: number | null;
  lag_s: number | null;
  groups: (Group & { partitions: Partition[] })[];
}

export interface RecentError {
  at: Time;
  kind: string;
  class: string;
  message: string;
  group: string | null;
  topic: string | null;
  partition: number | null;
  offset: number | null;
  count: number;
}

export interface Process {
  rss_bytes: number | null;
  cpu_percent: number | null;
  loop_lag_ms: number | null;
  tasks: number | null;
}

export interface Snapshot extends Document {
  service: Service;
  broker: Broker;
  produce: Produce;
  consume: Consume;
  errors: RecentError[];
  dead_letters: { topic: string; dispatched: number; last_at: Time | null }[];
  fleet: { instances: number };
  process: Process;
}

export type Range = "5m" | "1h" | "24h" | "7d";
export type Series = (number | null)[];
export type SeriesName =
  | "produced_per_s"
  | "consumed_per_s"
  | "failed_per_s"
  | "errors"
  | "retries"
  | "dead"
  | "lag"
  | "lag_s"
  | "ack_p50_ms"
  | "ack_p99_ms"
  | "rss_bytes"
  | "cpu_percent";

export interface History extends Document {
  range: Range;
  step_s: number;
  scope: "instance" | "fleet";
  /** Seconds since 1970. */
  at: number[];
  series: Record<SeriesName, Series>;
  by_topic: Record<string, { lag: Series; lag_s: Series }>;
}

export interface Permission {
  allowed: boolean;
  why_not: string | null;
}

export interface Me extends Document {
  key: string | null;
  roles: string[];
  actions: Permission;
  produce: Permission;
  topics: string[] | null;
  instance: string;
  fleet: boolean;
}

/** The rows of one page of a table, and how many there are in all. */
export interface Table<Row> {
  rows: Row[];
  matched: number;
  total: number;
  page: number;
  per_page: number;
  sort: string;
}

export interface TableDocument<Row> extends Document {
  table: Table<Row>;
}

export interface PartitionRow extends Partition {
  group: string;
  instance: string;
  trend: Trend | null;
}

export interface TopicHealth {
  group: string;
  topic: string;
  partitions: number;
  lag: number | null;
  lag_s: number | null;
  trend: Trend | null;
  states: Partial<Record<PartitionState, number>>;
}

export interface Fleet {
  on: boolean;
  why_not: string | null;
}

export interface HealthDocument extends TableDocument<PartitionRow> {
  fleet?: Fleet;
  topics: TopicHealth[];
}

export interface Instance {
  instance: string;
  this: boolean;
  host: string;
  pid: number;
  version: string;
  state: string;
  health: Health | null;
  started_at: Time | null;
  uptime_s: number | null;
  groups: string[];
  assigned: number | null;
  running_jobs: number | null;
  utilisation: number | null;
  messages_per_s: number | null;
  rss_bytes: number | null;
  cpu_percent: number | null;
  loop_lag_ms: number | null;
  seen_at: Time | null;
  gone: boolean;
}

export interface ConsumersDocument extends TableDocument<Instance> {
  fleet: Fleet;
}

export interface Job {
  instance: string;
  group: string;
  topic: string;
  partition: number;
  consumer: string | null;
  hook: string;
  state: "running" | "waiting";
  first_offset: number | null;
  last_offset: number | null;
  messages: number | null;
  attempt: number | null;
  since: Time | null;
  running_s: number | null;
  next_retry_at: Time | null;
}

export interface InstanceDocument extends Document, Omit<Instance, "groups"> {
  groups: Group[];
  partitions: Table<PartitionRow>;
  jobs: Job[];
}

export interface ErrorRow {
  id: string;
  class: string;
  kind: string;
  message: string;
  group: string | null;
  topic: string | null;
  partition: number | null;
  offset: number | null;
  consumer: string | null;
  first_at: Time;
  last_at: Time;
  count: number;
  instance: string;
}

export interface ErrorDocument extends Document, ErrorRow {
  traceback: string | null;
  offsets: number[];
  attempts: number | null;
  message_path: string | null;
}

export interface RoutingLine {
  kind: "topic" | "pattern";
  topic?: string;
  pattern?: string;
  name: string | null;
  consumer: string;
  settings: Record<string, unknown>;
  dead_letter: Record<string, unknown> | null;
  found: string[];
  missing: boolean;
}

export interface SettingRow {
  name: string;
  value: unknown;
  default: unknown;
  changed: boolean;
  help: string;
}

export interface RoutingDocument extends Document {
  groups: { name: string; lines: RoutingLine[] }[];
  settings: SettingRow[];
}

export interface Check {
  name: string;
  title: string;
  state: "ok" | "warn" | "bad" | "unknown";
  detail: string;
  remedy: string | null;
}

export interface StatusDocument extends Document {
  checks: Check[];
}

export interface ProduceDocument extends Document {
  produce: Produce;
  topics: string[];
  schemas: string[];
  limits: { max_payload_bytes: number; timeout_s: number; max_timeout_s: number };
  permission?: Permission;
}
