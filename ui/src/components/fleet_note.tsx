import type { Fleet } from "../documents";

/** Says so, where other instances cannot be seen. */
export function FleetNote({ fleet }: { fleet: Fleet | null | undefined }) {
  if (!fleet || fleet.on) return null;
  return (
    <p class="banner" role="note">
      <span>Only this instance is shown.</span>
      {fleet.why_not && <span>{fleet.why_not}</span>}
    </p>
  );
}
