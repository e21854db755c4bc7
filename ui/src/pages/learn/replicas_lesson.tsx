import type { TaughtPartition, TaughtTopic } from "../../cluster_documents";
import { counted } from "../../format";
import { Box } from "./box";
import { Lesson } from "./lesson";

const NAMES = 90;
const COLUMN = 112;
const ROW = 40;
const SHOWN = 12;

type Place = "leader" | "in sync" | "behind" | "";

/** What a broker is to a partition. */
export function placeOf(partition: TaughtPartition, broker: number): Place {
  if (partition.leader === broker) return "leader";
  if (partition.isr.includes(broker)) return "in sync";
  return partition.replicas.includes(broker) ? "behind" : "";
}

export function ReplicasLesson({ topic, brokers }: { topic: TaughtTopic; brokers: readonly number[] }) {
  const shown = topic.partitions.slice(0, SHOWN);
  const copies = Math.max(0, ...topic.partitions.map((one) => one.replicas.length));
  const behind = topic.partitions.filter((one) => one.isr.length < one.replicas.length).length;
  const state = behind === 0 ? "all replicas are in sync" : `${counted(behind, "partition")} with a replica that is behind`;
  const said = `${topic.topic} has ${counted(topic.partitions.length, "partition")}, each kept by ${counted(copies, "broker")}; ${state}`;
  return (
    <Lesson
      title="A topic has partitions, a partition has replicas"
      text={
        <>
          <p>
            A <b>topic</b> is a named stream of records. It is cut into <b>partitions</b>, so that several brokers can hold
            it and several consumers read it. Records with the same key go to the same partition.
          </p>
          <p>
            Each partition is kept by one or more brokers, its <b>replicas</b>. One is the <b>leader</b>: it is written to and
            read from; the others copy it. Those that have everything are <b>in sync</b> (the ISR): one of them takes over
            when the leader goes, and nothing that was acknowledged is lost.
          </p>
          <p class="note">Here: {said}.</p>
        </>
      }
    >
      <svg class="drawing" width={NAMES + brokers.length * COLUMN} height={(shown.length + 1) * ROW} role="img" aria-label={said}>
        {brokers.map((broker, index) => (
          <text key={broker} class="heading" x={NAMES + index * COLUMN + COLUMN / 2 - 6} y={24} text-anchor="middle">
            broker {broker}
          </text>
        ))}
        {shown.map((partition, row) => (
          <Row key={partition.partition} partition={partition} brokers={brokers} y={(row + 1) * ROW} />
        ))}
      </svg>
      {topic.partitions.length > SHOWN && <p class="note">… and {topic.partitions.length - SHOWN} more partitions.</p>}
    </Lesson>
  );
}

function Row({ partition, brokers, y }: { partition: TaughtPartition; brokers: readonly number[]; y: number }) {
  return (
    <>
      <text class="heading" x={0} y={y + 21}>
        partition {partition.partition}
      </text>
      {brokers.map((broker, index) => {
        const place = placeOf(partition, broker);
        return place === "" ? null : (
          <Box
            key={broker}
            x={NAMES + index * COLUMN}
            y={y}
            width={COLUMN - 12}
            height={ROW - 10}
            strong={place === "leader"}
            broken={place === "behind"}
          >
            {[place]}
          </Box>
        );
      })}
    </>
  );
}
