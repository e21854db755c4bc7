// What a viewer chose, remembered by the browser: the theme and how often pages renew themselves.
import { createContext } from "preact";
import { useContext, useEffect, useState } from "preact/hooks";

export type Theme = "system" | "light" | "dark";
export const THEMES: readonly Theme[] = ["system", "light", "dark"];
export const REFRESH_CHOICES_S: readonly number[] = [0, 2, 5, 10];
const DEFAULT_REFRESH_S = 2;

export interface Preferences {
  theme: Theme;
  setTheme: (theme: Theme) => void;
  /** Seconds; 0 = off. */
  refreshS: number;
  setRefreshS: (seconds: number) => void;
}

const Context = createContext<Preferences>({
  theme: "system",
  setTheme: () => undefined,
  refreshS: DEFAULT_REFRESH_S,
  setRefreshS: () => undefined,
});
export const PreferencesProvider = Context.Provider;

export function usePreferences(): Preferences {
  return useContext(Context);
}

function remembered(name: string): string | null {
  try {
    return localStorage.getItem(`demijohn.${name}`);
  } catch {
    return null; // the browser keeps nothing for this page
  }
}

function remember(name: string, value: string): void {
  try {
    localStorage.setItem(`demijohn.${name}`, value);
  } catch {
    // the choice holds until the page is left
  }
}

export function themeOf(text: string | null): Theme {
  return THEMES.find((theme) => theme === text) ?? "system";
}

export function refreshOf(text: string | null): number {
  return text !== null && REFRESH_CHOICES_S.includes(Number(text)) ? Number(text) : DEFAULT_REFRESH_S;
}

export function showTheme(theme: Theme): void {
  if (theme === "system") document.documentElement.removeAttribute("data-theme");
  else document.documentElement.setAttribute("data-theme", theme);
  document.dispatchEvent(new Event("themechange"));
}

/** The preferences of this browser, for the provider. */
export function useRememberedPreferences(): Preferences {
  const [theme, setTheme] = useState(() => themeOf(remembered("theme")));
  const [refreshS, setRefreshS] = useState(() => refreshOf(remembered("refresh_s")));
  useEffect(() => showTheme(theme), [theme]);
  return {
    theme,
    setTheme: (chosen) => {
      remember("theme", chosen); // here and not in an effect: those run after painting, and a page may be left before
      setTheme(chosen);
    },
    refreshS,
    setRefreshS: (seconds) => {
      remember("refresh_s", String(seconds));
      setRefreshS(seconds);
    },
  };
}
