import { useLocation } from "wouter-preact";
import type { Snapshot } from "../documents";
import { count, counted } from "../format";
import { useSnapshot } from "../live";
import { NAVIGATION, badges } from "../navigation";
import { PageLink } from "./page_link";

/** The pages, with what waits on them. */
export function Nav() {
  const [location] = useLocation();
  const { data } = useSnapshot();
  const marks = data ? badges(data) : {};
  return (
    <nav aria-label="Pages">
      {NAVIGATION.map(([path, name]) => {
        const mark = marks[path];
        const current = path === "/" ? location === "/" : location === path || location.startsWith(`${path}/`);
        return (
          <PageLink key={path} to={path} current={current}>
            {name}
            {mark && (
              <b class={mark.tone} title={mark.text} aria-label={mark.text}>
                {count(mark.count)}
              </b>
            )}
          </PageLink>
        );
      })}
      {data && <Who snapshot={data} />}
    </nav>
  );
}

function Who({ snapshot }: { snapshot: Snapshot }) {
  const { broker, fleet, service } = snapshot;
  const kind = broker.kind === "kafka" ? "Kafka" : `${broker.kind} broker`;
  return (
    <div class="who">
      {service.name} {service.version}
      <br />
      {counted(fleet.instances, "instance")} · {kind} {broker.version}
    </div>
  );
}
