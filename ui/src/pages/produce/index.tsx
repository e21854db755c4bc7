import { Page } from "../../components/page";
import { Tile } from "../../components/tile";
import type { Produce, ProduceDocument } from "../../documents";
import { bytes, count, counted, duration, milliseconds, rate } from "../../format";
import { useDocument } from "../../use_document";
import { Form } from "./form";

export function ProducePage() {
  const loaded = useDocument<ProduceDocument>("/produce");
  const { data } = loaded;
  return (
    <Page title="Produce" loaded={loaded} lead="What is on its way to Kafka, and a form that sends one message.">
      {data && <Figures produce={data.produce} />}
      {data && <Form document={data} />}
    </Page>
  );
}

function Figures({ produce }: { produce: Produce }) {
  const { queue, receipts, per_s: perS, ack_ms: ack } = produce;
  const codes = Object.entries(produce.by_code).map(([code, many]) => `${many} ${code}`);
  return (
    <section class="tiles" aria-label="Now">
      <Tile name="Delivered" value={rate(perS.delivered)} unit="/s" note={`${count(produce.delivered)} since the start`} />
      <Tile name="Failed" value={count(produce.failed)} unit="since start" note={codes.join(", ") || "none"} />
      <Tile name="Unknown" value={count(produce.unknown)} unit="since start" note="may be stored, may be not" />
      <Tile name="To acknowledge" value={milliseconds(ack.p99)} unit="p99" note={`p50 ${milliseconds(ack.p50)}`} />
      <Tile name="In flight" value={count(produce.in_flight)} unit={`of ${count(produce.in_flight_limit)}`} note={`${counted(receipts.pending, "receipt")} pending`} />
      <Tile
        name="Queue"
        value={count(queue.messages)}
        unit={`of ${count(queue.limit)}`}
        note={queue.oldest_s === null ? bytes(queue.bytes) : `${bytes(queue.bytes)}, oldest ${duration(queue.oldest_s)}`}
      />
    </section>
  );
}
