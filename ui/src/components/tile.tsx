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
  to: string;
  values?: Series | undefined;
  color?: string;
}

/** One number of the moment, its course below it, and where to look for more. */
export function Tile({ name, value, exact, unit, note, to, values, color = "c1" }: Props) {
  return (
    <PageLink to={to} class="tile">
      <span class="k">{name}</span>
      <span class="v" title={exact}>
        {value}
        <small>{unit}</small>
      </span>
      <Sparkline values={values ?? []} color={color} />
      <span class="n">{note}</span>
    </PageLink>
  );
}
