import { PageLink } from "./page_link";
import { topicPath } from "./partition_columns";

interface Props {
  topic: string | null;
  partition?: number | null;
  offset?: number | null;
}

/** Topic, partition and offset, leading to the topic or to the record. */
export function Place({ topic, partition = null, offset = null }: Props) {
  if (topic === null) return <>–</>;
  const record = partition !== null && offset !== null ? `?partition=${partition}&offset=${offset}` : "";
  return (
    <>
      <PageLink to={topicPath(topic) + record}>{topic}</PageLink>
      {partition !== null && `-${partition}`}
      {offset !== null && <span class="note"> @{offset}</span>}
    </>
  );
}
