import type { History, Range } from "../../documents";
import { type Loaded, useDocument } from "../../use_document";

/** So often a new step can be there, at most; longer steps are asked for less often. */
const EVERY_S: Record<Range, number> = { "5m": 5, "1h": 15, "24h": 60, "7d": 60 };

export function useHistory(range: Range): Loaded<History> {
  return useDocument<History>("/api/history", { range }, { poll: true, atLeastS: EVERY_S[range] });
}
