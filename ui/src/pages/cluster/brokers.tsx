import type { BrokerRow, ClusterDocument } from "../../cluster_documents";
import { Quantity } from "../../components/quantity";
import { StateChip } from "../../components/state_chip";

/** Every broker that answers, or that replicas are still assigned to. */
export function Brokers({ document }: { document: ClusterDocument }) {
  return (
    <section class="panel" aria-label="Brokers">
      <div class="phead">
        <h2>Brokers</h2>
      </div>
      <div class="scroll" tabIndex={0} role="region" aria-label="Brokers, rows">
        <table>
          <thead>
            <tr>
              <th scope="col">Broker</th>
              <th scope="col">Address</th>
              <th scope="col">Role</th>
              <th scope="col" class="num">Leads</th>
              <th scope="col" class="num">Replicas</th>
              <th scope="col" class="num">On disk</th>
              <th scope="col">Rack</th>
            </tr>
          </thead>
          <tbody>
            {document.brokers.map((broker) => (
              <Row key={broker.id} broker={broker} />
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Row({ broker }: { broker: BrokerRow }) {
  return (
    <tr>
      <td class="strong">{broker.id}</td>
      <td>{broker.host === null ? <StateChip state="unreachable" /> : `${broker.host}:${broker.port}`}</td>
      <td>{broker.controller ? <StateChip state="controller" tone="ok" /> : "broker"}</td>
      <td class="num"><Quantity value={broker.leads} /></td>
      <td class="num"><Quantity value={broker.replicas} /></td>
      <td class="num"><Quantity value={broker.size_bytes} unit="bytes" /></td>
      <td>{broker.rack ?? "–"}</td>
    </tr>
  );
}
