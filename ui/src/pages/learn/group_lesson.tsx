import type { TaughtGroup } from "../../cluster_documents";
import { counted } from "../../format";
import { Lesson } from "./lesson";
import { GroupDrawing } from "./group_drawing";

/** What the numbers of members and partitions mean for the work. */
export function balance(members: number, partitions: number, idle: number): string {
  const have = `${counted(members, "consumer")} for ${counted(partitions, "partition")}`;
  if (members === 0) return `nobody consumes; the committed offsets stay`;
  if (idle > 0) return `${have}: ${idle === 1 ? "one is" : `${idle} are`} idle, and ${idle === 1 ? "takes" : "take"} over when another one goes`;
  if (members === partitions) return `${have}: each has one; a further one would be idle`;
  return `${have}: some have several; further ones would share the work`;
}

export function GroupLesson({ group }: { group: TaughtGroup }) {
  const partitions = group.members.reduce((sum, member) => sum + member.partitions.length, 0);
  const said = balance(group.members.length, partitions, group.idle);
  return (
    <Lesson
      title="Consumers share partitions in a group"
      text={
        <>
          <p>
            Consumers with the same <b>group</b> id share the partitions of their topics: each partition goes to exactly one
            of them, so its records are handled in order. Another group reads everything once more, for itself.
          </p>
          <p>
            When a consumer comes or goes the partitions are dealt out anew: a <b>rebalance</b>. With more consumers than
            partitions the rest are <b>idle</b>. So the number of partitions is the most that can work side by side.
          </p>
          <p class="note">Here: {said}.</p>
        </>
      }
    >
      <GroupDrawing group={group} label={`Group ${group.group}: ${said}`} />
    </Lesson>
  );
}
