// Which colour a state has. The word beside it says the same to those who do not see the colour.
export type Tone = "ok" | "warn" | "bad" | "idle";

const TONES: Record<Tone, readonly string[]> = {
  ok: ["ok", "running", "stable", "delivered", "done", "leader", "in_sync", "allowed", "online", "applied"],
  warn: [
    "degraded", "draining", "joining", "paused", "rebalancing", "unknown", "waiting_for_topics", "warn", "under_replicated",
    "growing", "quieting", "quiet", "stopping", "initializing", "starting", "pending", "missing", "cancelled", "masked",
  ],
  bad: ["failed", "retrying", "unhealthy", "bad", "offline", "under_min_isr", "gone", "unreachable"],
  idle: [],
};

export function toneOf(state: string): Tone {
  return (Object.keys(TONES) as Tone[]).find((tone) => TONES[tone].includes(state)) ?? "idle";
}
