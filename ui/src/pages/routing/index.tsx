import { Page } from "../../components/page";
import type { RoutingDocument } from "../../documents";
import { useDocument } from "../../use_document";
import { GroupLines } from "./lines";
import { Settings } from "./settings";

export function Routing() {
  const loaded = useDocument<RoutingDocument>("/routing");
  const { data } = loaded;
  return (
    <Page title="Routing" loaded={loaded} lead="Which consumer takes what, in which group, and every setting of this instance.">
      {data === null && loaded.problem === null && <p class="empty waiting">Loading…</p>}
      {data?.groups.map((group) => <GroupLines key={group.name} group={group} />)}
      {data && <Settings settings={data.settings} />}
    </Page>
  );
}
