// Which page stands at which path below the dashboard.
import type { FunctionComponent } from "preact";
import { Cluster } from "./cluster";
import { Consumers } from "./consumers";
import { InstancePage } from "./consumers/instance";
import { DeadLetters } from "./dead_letters";
import { Letters } from "./dead_letters/letters";
import { Errors } from "./errors";
import { ErrorPage } from "./errors/one";
import { Health } from "./health";
import { Jobs } from "./jobs";
import { Learn } from "./learn";
import { Overview } from "./overview";
import { ProducePage } from "./produce";
import { Routing } from "./routing";
import { Status } from "./status";
import { Topics } from "./topics";
import { TopicPage } from "./topics/topic";

export const PAGES: readonly (readonly [string, FunctionComponent])[] = [
  ["/", Overview],
  ["/produce", ProducePage],
  ["/consumers", Consumers],
  ["/consumers/:instance", InstancePage],
  ["/health", Health],
  ["/jobs", Jobs],
  ["/routing", Routing],
  ["/errors", Errors],
  ["/errors/:id", ErrorPage],
  ["/status", Status],
  ["/topics", Topics],
  ["/topics/:topic", TopicPage],
  ["/dead-letters", DeadLetters],
  ["/dead-letters/:topic", Letters],
  ["/cluster", Cluster],
  ["/learn", Learn],
];
