import { type ComponentChildren, createContext } from "preact";
import { useCallback, useContext, useRef, useState } from "preact/hooks";
import type { Tone } from "../states";

interface Toast {
  id: number;
  tone: Tone;
  text: string;
}

const SHOWN_MS = 6000;
const Say = createContext<(text: string, tone?: Tone) => void>(() => undefined);

/** A function that tells the viewer for some seconds what was done. */
export function useSay(): (text: string, tone?: Tone) => void {
  return useContext(Say);
}

export function Toasts({ children }: { children: ComponentChildren }) {
  const [toasts, setToasts] = useState<Toast[]>([]);
  const next = useRef(0);
  const say = useCallback((text: string, tone: Tone = "ok") => {
    const id = next.current++;
    setToasts((shown) => [...shown, { id, tone, text }]);
    window.setTimeout(() => setToasts((shown) => shown.filter((toast) => toast.id !== id)), SHOWN_MS);
  }, []);
  return (
    <Say.Provider value={say}>
      {children}
      <div class="toasts" role="status" aria-live="polite">
        {toasts.map((toast) => (
          <div key={toast.id} class={`toast ${toast.tone}`}>
            {toast.text}
          </div>
        ))}
      </div>
    </Say.Provider>
  );
}
