import { useMemo, useState } from "preact/hooks";
import { useLocation, useSearch } from "wouter-preact";
import { queryText } from "../../../api";
import { ProblemBanner } from "../../../components/problem_banner";
import { type Cursor, type Looking, askFor, readLooking, writeLooking } from "../../../messages_query";
import type { Message } from "../../../topic_documents";
import { MessageView } from "./message_view";
import { MessagesTable } from "./messages_table";
import { Outcome } from "./outcome";
import { SearchForm } from "./search_form";
import { Tail } from "./tail";
import { useMessages } from "./use_messages";

interface Props {
  topic: string;
  partitions: number;
  masked: boolean;
}

/** A page of messages, the search for others, one of them whole, and those that come in live. */
export function Messages({ topic, partitions, masked }: Props) {
  const search = useSearch();
  const [location, navigate] = useLocation();
  const looking = useMemo(() => readLooking(search), [search]);
  const pointed = looking.from === "offset" && looking.partition ? { partition: Number(looking.partition), offset: Number(looking.offset) } : null;
  const [opened, open] = useState<Pick<Message, "partition" | "offset"> | null>(pointed);
  const [cursor, setCursor] = useState<Cursor | null>(null);
  const [live, setLive] = useState(false);
  const found = useMessages(topic, live ? null : askFor(looking, cursor));
  const look = (next: Looking) => {
    setCursor(null);
    open(null);
    navigate(location + queryText(writeLooking(next)), { replace: true });
    found.again();
  };
  return (
    <>
      <SearchForm
        looking={looking}
        partitions={partitions}
        masked={masked}
        busy={found.busy}
        live={live}
        onLook={look}
        onCancel={found.cancel}
        onLive={setLive}
      />
      {opened && <MessageView topic={topic} at={opened} onOpen={open} />}
      <ProblemBanner problem={found.problem} />
      {live ? (
        <Tail topic={topic} looking={looking} onOpen={open} />
      ) : (
        <section class="panel" aria-label="Messages" aria-busy={found.busy}>
          <Outcome data={found.data} busy={found.busy} searching={looking.search !== ""} onCursor={setCursor} />
          {found.data && <MessagesTable messages={found.data.messages} opened={opened} onOpen={open} />}
        </section>
      )}
    </>
  );
}
