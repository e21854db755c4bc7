import type { Problem } from "../api";
import { useNow } from "../clock";
import { duration } from "../format";

const ADVICE: Record<number, string> = {
  0: "The service does not answer. It may be restarting, or the network is away. This page tries again by itself.",
  401: "This needs an API key with the role read. Reload the page: the browser then asks for a name and a key.",
  403: "The key you use may not see this. Ask for a key with the role that is named.",
  404: "There is no such thing, or not any more.",
  503: "The service cannot tell at the moment. This page tries again by itself.",
};

interface Props {
  problem: Problem | null;
  /** When what is still shown came, in ms since 1970. */
  updatedAt?: number | null;
}

/** Says what went wrong, what it means and how old that is which is shown in spite of it. */
export function ProblemBanner({ problem, updatedAt = null }: Props) {
  const now = useNow();
  if (!problem) return null;
  const advice = ADVICE[problem.status];
  const unsaid = problem.message !== problem.title;
  return (
    <div class="banner bad" role="alert">
      <strong>{problem.title}</strong>
      {unsaid && <span>{problem.message}</span>}
      {advice && <span>{advice}</span>}
      {updatedAt !== null && <span>What you see is {duration(Math.round((now - updatedAt) / 1000))} old.</span>}
    </div>
  );
}
