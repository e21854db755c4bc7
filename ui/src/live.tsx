// What every page shares: the snapshot of the moment, who is looking, and how fresh the page is.
import { type ComponentChildren, createContext } from "preact";
import { useContext, useEffect, useMemo, useState } from "preact/hooks";
import { useLocation } from "wouter-preact";
import type { Problem } from "./api";
import type { Me, Permission, Snapshot } from "./documents";
import { type Loaded, useDocument } from "./use_document";

export interface Freshness {
  updatedAt: number | null;
  stale: boolean;
  problem: Problem | null;
}

interface Live {
  snapshot: Loaded<Snapshot>;
  me: Me | null;
  freshness: Freshness;
  report: (freshness: Freshness) => void;
}

const Context = createContext<Live | null>(null);
const ME_S = 30;
const NOTHING: Freshness = { updatedAt: null, stale: false, problem: null };

function useLive(): Live {
  const live = useContext(Context);
  if (!live) throw new Error("<LiveProvider> is missing");
  return live;
}

export function LiveProvider({ children }: { children: ComponentChildren }) {
  const [location] = useLocation();
  const snapshot = useDocument<Snapshot>("", {}, { poll: location !== "/" });
  const me = useDocument<Me>("/api/me", {}, { poll: true, atLeastS: ME_S });
  const [freshness, report] = useState(NOTHING);
  const live = useMemo(() => ({ snapshot, me: me.data, freshness, report }), [snapshot, me.data, freshness]);
  return <Context.Provider value={live}>{children}</Context.Provider>;
}

export function useSnapshot(): Loaded<Snapshot> {
  return useLive().snapshot;
}

export function useMe(): Me | null {
  return useLive().me;
}

export function useFreshness(): Freshness {
  return useLive().freshness;
}

/** Tells the bar at the top how fresh the page is. */
export function useReport({ updatedAt, stale, problem }: Freshness): void {
  const { report } = useLive();
  useEffect(() => report({ updatedAt, stale, problem }), [updatedAt, stale, problem]);
  useEffect(() => () => report(NOTHING), []);
}

const ASKING: Permission = { allowed: false, why_not: "Still asking the service what you may do" };

/** Whether the viewer may act, and why not. */
export function useActions(): Permission {
  return useMe()?.actions ?? ASKING;
}
