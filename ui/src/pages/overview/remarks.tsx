import { RelativeTime } from "../../components/relative_time";
import { StateChip } from "../../components/state_chip";
import type { Service } from "../../documents";

/** Why the service is not in order, and what else is worth knowing. */
export function Remarks({ service }: { service: Service }) {
  const { reasons, notes } = service;
  if (reasons.length + notes.length === 0) return null;
  return (
    <ul class="remarks panel" aria-label="Reasons and notes">
      {reasons.map((reason) => (
        <li key={reason.code + reason.detail}>
          <StateChip state={reason.code} tone={service.health === "unhealthy" ? "bad" : "warn"} />
          <span>{reason.detail}</span>
          {reason.since && (
            <span class="note">
              since <RelativeTime time={reason.since} />
            </span>
          )}
        </li>
      ))}
      {notes.map((note) => (
        <li key={note.code + note.detail}>
          <StateChip state={note.code} tone="idle" />
          <span>{note.detail}</span>
        </li>
      ))}
    </ul>
  );
}
