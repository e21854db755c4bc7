import type { LearnDocument } from "../../cluster_documents";
import { counted } from "../../format";
import { Box } from "./box";
import { Lesson } from "./lesson";

const STEP = 150;
const SHOWN = 8;

export function BrokersLesson({ brokers }: { brokers: LearnDocument["brokers"] }) {
  const shown = brokers.slice(0, SHOWN);
  const controller = brokers.find((broker) => broker.controller);
  const width = Math.max(1, shown.length) * STEP + 10;
  const drawing =
    counted(brokers.length, "broker") + (controller ? `, broker ${controller.id} is the controller` : "");
  return (
    <Lesson
      title="Brokers make a cluster"
      text={
        <>
          <p>
            A <b>broker</b> is a server that stores records and hands them out. All brokers together are the{" "}
            <b>cluster</b>. One of them is the <b>controller</b>: it keeps the list of who holds what, and decides who
            takes over when a broker goes.
          </p>
          <p>
            The controllers agree among themselves by KRaft, Kafka's own protocol. Older clusters asked ZooKeeper, a
            separate system, for that.
          </p>
          <p class="note">Here: {drawing}.{brokers.length === 1 && " With one broker nothing is kept twice."}</p>
        </>
      }
    >
      <svg class="drawing" width={width} height={92} role="img" aria-label={drawing}>
        {shown.map((broker, index) => (
          <Box key={broker.id} x={5 + index * STEP} y={10} width={STEP - 14} height={70} strong={broker.controller}>
            {[`broker ${broker.id}`, broker.controller ? "controller" : ""]}
          </Box>
        ))}
      </svg>
    </Lesson>
  );
}
