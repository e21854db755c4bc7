import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { type Freshness, useReport } from "../live";
import { ProblemBanner } from "./problem_banner";

interface Props {
  title: string;
  /** What the page shows; its problem is said, and stale figures are greyed. */
  loaded: Freshness;
  /** Beside the title. */
  actions?: ComponentChildren;
  /** One sentence below the title. */
  lead?: ComponentChildren;
  children: ComponentChildren;
}

/** The frame of a page: title, focus and freshness. Focus goes to the title when the page was reached by a link. */
export function Page({ title, loaded, actions, lead, children }: Props) {
  const heading = useRef<HTMLHeadingElement>(null);
  useReport(loaded);
  useEffect(() => {
    const first = document.title === "Demijohn";
    document.title = `${title} · Demijohn`;
    if (!first) heading.current?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }, [title]);
  return (
    <>
      <div class="head">
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {actions}
      </div>
      {lead && <p class="lead">{lead}</p>}
      <ProblemBanner problem={loaded.problem} updatedAt={loaded.updatedAt} />
      <div class={loaded.stale ? "content stale" : "content"}>{children}</div>
    </>
  );
}
