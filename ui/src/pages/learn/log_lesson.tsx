import type { TaughtTopic } from "../../cluster_documents";
import { count } from "../../format";
import { Box } from "./box";
import { Lesson } from "./lesson";

const CELL = 74;
const CELLS = 6;

/** The offsets of the newest records, oldest first. */
export function newest(begin: number, end: number, most: number): number[] {
  const first = Math.max(begin, end - most);
  return Array.from({ length: Math.max(0, end - first) }, (_, index) => first + index);
}

export function LogLesson({ topic }: { topic: TaughtTopic }) {
  const partition = topic.partitions.find((one) => (one.end ?? 0) > (one.begin ?? 0)) ?? topic.partitions[0];
  if (!partition || partition.begin === null || partition.end === null) return null;
  const { begin, end } = partition;
  const offsets = newest(begin, end, CELLS);
  const name = `${topic.topic}-${partition.partition}`;
  const said =
    end > begin
      ? `${name} begins at offset ${count(begin)}, and the next record gets ${count(end)}`
      : `${name} has no records; the next one gets offset ${count(end)}`;
  return (
    <Lesson
      title="A partition is a log, an offset is a place in it"
      text={
        <>
          <p>
            Records are only ever appended to a partition, and each gets the next number: its <b>offset</b>. Reading takes
            nothing away; old records go when the topic's retention says so, so the first one need not be 0.
          </p>
          <p>
            Order is kept within a partition, not between partitions. A group remembers for each partition the offset to go
            on from, its <b>committed</b> offset. What lies between that and the end is its <b>lag</b>.
          </p>
          <p class="note">Here: {said}.</p>
        </>
      }
    >
      <svg class="drawing" width={(offsets.length + 2) * CELL} height={70} role="img" aria-label={said}>
        <text class="heading" x={0} y={40}>
          {offsets[0] === begin || offsets.length === 0 ? "begin" : "older …"}
        </text>
        {offsets.map((offset, index) => (
          <Box key={offset} x={CELL * (index + 0.8)} y={15} width={CELL - 8} height={40}>
            {[count(offset)]}
          </Box>
        ))}
        <Box x={CELL * (offsets.length + 0.8)} y={15} width={CELL + 4} height={40} broken>
          {[`next: ${count(end)}`]}
        </Box>
      </svg>
    </Lesson>
  );
}
