import { useEffect, useRef, useState } from "preact/hooks";
import { type Problem, address, problemOf } from "../../../api";
import { ProblemBanner } from "../../../components/problem_banner";
import { counted } from "../../../format";
import { type Looking, askFor } from "../../../messages_query";
import type { Message } from "../../../topic_documents";
import { type At, MessagesTable } from "./messages_table";

const KEPT = 200;
const SHOW_MS = 250;

interface Props {
  topic: string;
  looking: Looking;
  onOpen: (at: At | null) => void;
}

/** Messages as they come, the newest on top. */
export function Tail({ topic, looking, onOpen }: Props) {
  const { messages, dropped, problem, open } = useTail(topic, looking);
  return (
    <section class="panel" aria-label="Live tail">
      <div class="phead">
        <h2>Live tail</h2>
        <span class="note" role="status">
          {open ? (messages.length === 0 ? "waiting for messages…" : `the newest ${counted(messages.length, "message")}`) : "connecting…"}
          {dropped > 0 && `; ${counted(dropped, "message")} left out: they come faster than they can be shown`}
        </span>
      </div>
      <ProblemBanner problem={problem} />
      {messages.length > 0 && <MessagesTable messages={messages} opened={null} onOpen={onOpen} />}
    </section>
  );
}

interface Tailing {
  messages: readonly Message[];
  dropped: number;
  problem: Problem | null;
  open: boolean;
}

const NOTHING: Tailing = { messages: [], dropped: 0, problem: null, open: false };

/** Gathers what comes and shows it four times a second, or a fast topic would do nothing but draw. */
function useTail(topic: string, looking: Looking): Tailing {
  const [shown, setShown] = useState(NOTHING);
  const held = useRef<Tailing>(NOTHING);
  const { partition, search, in: places, isolation } = askFor({ ...looking, from: "newest" }, null) ?? {};
  const url = address(`/api/topics/${encodeURIComponent(topic)}/tail`, { partition, search, in: places, isolation });
  useEffect(() => {
    held.current = NOTHING;
    const change = (part: Partial<Tailing>) => (held.current = { ...held.current, ...part });
    const events = new EventSource(url);
    // Only then it is known from which offsets on everything is shown.
    events.addEventListener("begin", () => change({ open: true, problem: null }));
    events.onerror = () => change({ open: false, problem: events.readyState === EventSource.CLOSED ? problemOf("The tail cannot be opened") : null });
    events.addEventListener("message", (event) => {
      const message = JSON.parse(event.data as string) as Message;
      change({ messages: [message, ...held.current.messages].slice(0, KEPT) });
    });
    events.addEventListener("dropped", (event) => {
      const { count } = JSON.parse(event.data as string) as { count: number };
      change({ dropped: held.current.dropped + count });
    });
    events.addEventListener("problem", (event) => change({ problem: problemOf((JSON.parse(event.data as string) as { detail: string }).detail) }));
    const timer = window.setInterval(() => setShown(held.current), SHOW_MS);
    return () => {
      events.close();
      window.clearInterval(timer);
    };
  }, [url]);
  return shown;
}
