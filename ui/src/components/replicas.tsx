import { StateChip } from "./state_chip";

interface Props {
  replicas: readonly number[];
  isr: readonly number[];
  leader: number | null;
}

function role(broker: number, { isr, leader }: Props): { word: string; tone: "ok" | "idle" | "bad" } {
  if (broker === leader) return { word: "leader", tone: "ok" };
  return isr.includes(broker) ? { word: "in sync", tone: "idle" } : { word: "behind", tone: "bad" };
}

/** The brokers that hold a partition: which one leads, which are in sync, which are not. */
export function Replicas(props: Props) {
  return (
    <span class="replicas">
      {props.replicas.map((broker) => {
        const { word, tone } = role(broker, props);
        return <StateChip key={broker} state={`${broker} ${word}`} tone={tone} />;
      })}
    </span>
  );
}
