import { useEffect, useState } from "preact/hooks";
import { fetchJson, serviceAddress } from "../../api";
import { Facts } from "../../components/facts";
import { Place } from "../../components/place";
import { Quantity } from "../../components/quantity";
import { StateChip } from "../../components/state_chip";
import { absolute } from "../../format";

/** What the call answered: where the message is, or the receipt that will tell. */
export interface Report {
  topic: string;
  partition?: number | null;
  offset?: number | null;
  timestamp?: number | null;
  latency_ms?: number | null;
  receipt_id?: string;
  status?: string;
}

const ASK_MS = 1000;

/** A receipt is asked for until it is no longer pending. */
function useReceipt(report: Report): Report {
  const [shown, setShown] = useState(report);
  const id = report.receipt_id;
  const pending = id !== undefined && shown.status === "pending";
  useEffect(() => setShown(report), [report]);
  useEffect(() => {
    if (!pending) return undefined;
    const timer = window.setInterval(() => {
      fetchJson<Report>(serviceAddress(`/receipts/${id}`)).then(setShown, () => undefined);
    }, ASK_MS);
    return () => window.clearInterval(timer);
  }, [id, pending]);
  return shown;
}

export function ReportView({ report }: { report: Report }) {
  const shown = useReceipt(report);
  const state = report.receipt_id === undefined ? "delivered" : (shown.status ?? "pending");
  return (
    <div class="report" role="status">
      <h3>
        Delivery report <StateChip state={state} />
      </h3>
      <Facts
        facts={[
          ["Message", <Place key="place" topic={report.topic} partition={shown.partition ?? null} offset={shown.offset ?? null} />],
          ["Timestamp", shown.timestamp ? absolute(new Date(shown.timestamp).toISOString()) : "–"],
          ["Took", <Quantity key="took" value={shown.latency_ms} unit="ms" />],
          ...(report.receipt_id === undefined ? [] : [["Receipt", <code key="id">{report.receipt_id}</code>] as const]),
        ]}
      />
    </div>
  );
}
