// Which page stands at which path below the dashboard.
import type { FunctionComponent } from "preact";
import { Cluster } from "./cluster";
import { Learn } from "./learn";
import { Overview } from "./overview";

export const PAGES: readonly (readonly [string, FunctionComponent])[] = [
  ["/", Overview],
  ["/cluster", Cluster],
  ["/learn", Learn],
];
