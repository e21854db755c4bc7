import type { TaughtGroup, TaughtMember } from "../../cluster_documents";
import { Box } from "./box";

const ROW = 38;
const LEFT = 210;
const GAP = 110;
const RIGHT = 210;
const SHOWN = 16;
const LONGEST = 26;

interface Line {
  member: number;
  name: string;
}

/** A name that fits into a box. */
export function fitted(name: string): string {
  return name.length <= LONGEST ? name : `…${name.slice(1 - LONGEST)}`;
}

function linesOf(members: readonly TaughtMember[]): Line[] {
  return members.flatMap(({ partitions }, member) =>
    partitions.map((at) => ({ member, name: `${at.topic}-${at.partition}` })),
  );
}

/** Members at the left, the partitions that they have at the right, a line for each. */
export function GroupDrawing({ group, label }: { group: TaughtGroup; label: string }) {
  const members = group.members.slice(0, SHOWN);
  const lines = linesOf(members);
  const shown = lines.slice(0, SHOWN);
  const rows = Math.max(1, members.length, shown.length);
  const top = (index: number, of: number) => ((index + 0.5) * rows * ROW) / of - ROW / 2 + 4;
  return (
    <>
      <svg class="drawing" width={LEFT + GAP + RIGHT} height={rows * ROW + 4} role="img" aria-label={label}>
        {shown.map((line, index) => (
          <line
            key={line.name}
            x1={LEFT}
            y1={top(line.member, members.length) + ROW / 2 - 4}
            x2={LEFT + GAP}
            y2={top(index, shown.length) + ROW / 2 - 4}
          />
        ))}
        {members.map((member, index) => {
          const idle = member.partitions.length === 0;
          return (
            <Box key={member.member} x={1} y={top(index, members.length)} width={LEFT - 2} height={ROW - 8} strong={!idle} broken={idle}>
              {[fitted(member.instance ?? member.client_id ?? member.member) + (idle ? " · idle" : "")]}
            </Box>
          );
        })}
        {shown.map((line, index) => (
          <Box key={line.name} x={LEFT + GAP} y={top(index, shown.length)} width={RIGHT - 2} height={ROW - 8}>
            {[fitted(line.name)]}
          </Box>
        ))}
      </svg>
      {lines.length > SHOWN && <p class="note">… and {lines.length - SHOWN} more partitions.</p>}
    </>
  );
}
