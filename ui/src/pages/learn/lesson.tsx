import type { ComponentChildren } from "preact";

interface Props {
  title: string;
  /** What it means, in a few sentences. */
  text: ComponentChildren;
  children: ComponentChildren;
}

/** One idea: a drawing of what is there, and what it means. */
export function Lesson({ title, text, children }: Props) {
  return (
    <section class="panel lesson" aria-label={title}>
      <div>
        <h2>{title}</h2>
        {text}
      </div>
      <div class="scroll" tabIndex={0} role="region" aria-label={`${title}, drawing`}>
        {children}
      </div>
    </section>
  );
}
