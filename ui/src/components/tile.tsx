import type { ComponentChildren } from "preact";
import type { Series } from "../documents";
import { PageLink } from "./page_link";
import { Sparkline } from "./sparkline";

interface Props {
  name: string;
  value: string;
  /** The exact value, on hover. */
  exact?: string;
  unit: string;
  note: ComponentChildren;
  /** Where to look for more. */
  to?: string;
  /** Draws the course of the number. */
  values?: Series | undefined;
  color?: string;
}

/** One number of the moment, its course below it, and where to look for more. */
export function Tile({ to, ...props }: Props) {
  if (to === undefined) {
    return (
      <div class="tile">
        <Content {...props} />
      </div>
    );
  }
  return (
    <PageLink to={to} class="tile">
      <Content {...props} course />
    </PageLink>
  );
}

function Content({ name, value, exact, unit, note, values, color = "c1", course }: Omit<Props, "to"> & { course?: boolean }) {
  return (
    <>
      <span class="k">{name}</span>
      <span class="v" title={exact}>
        {value}
        <small>{unit}</small>
      </span>
      {course && <Sparkline values={values ?? []} color={color} />}
      <span class="n">{note}</span>
    </>
  );
}
