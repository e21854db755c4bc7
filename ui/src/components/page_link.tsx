import type { ComponentChildren } from "preact";
import { Link } from "wouter-preact";

interface Props {
  /** Below the dashboard: `/` is the overview. */
  to: string;
  children: ComponentChildren;
  class?: string;
  title?: string | undefined;
  current?: boolean;
  label?: string;
}

/** A link to a page of the dashboard, without loading the document anew. */
export function PageLink({ to, children, current, label, ...others }: Props) {
  const href = to === "/" || to.startsWith("/?") ? to.slice(1) : to; // the overview's address has no slash at its end
  return (
    <Link href={href} aria-current={current ? "page" : undefined} aria-label={label} {...others}>
      {children}
    </Link>
  );
}
