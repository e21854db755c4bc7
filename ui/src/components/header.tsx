import { useNow } from "../clock";
import { duration } from "../format";
import { useFreshness, useSnapshot } from "../live";
import { REFRESH_CHOICES_S, THEMES, type Theme, usePreferences } from "../preferences";
import { PageLink } from "./page_link";
import { StateChip } from "./state_chip";

const THEME_NAMES: Record<Theme, string> = { system: "System", light: "Light", dark: "Dark" };

export function Header() {
  return (
    <header>
      <PageLink to="/" class="logo">
        <Logo />
        Demijohn
      </PageLink>
      <Condition />
      <span class="right">
        <Freshness />
        <RefreshPicker />
        <ThemePicker />
      </span>
    </header>
  );
}

function Logo() {
  return (
    <svg viewBox="0 0 24 24" width="22" height="22" aria-hidden="true">
      <path d="M9 2h6v4.2c3.6 1.2 6 4.4 6 8.3A8.9 8.9 0 0 1 12 23a8.9 8.9 0 0 1-9-8.5c0-3.9 2.4-7.1 6-8.3z" stroke="currentColor" />
      <path d="M4.500 14.500c2.500-1.600 4.900 1.400 7.500 0s5-1.600 7.500 0" stroke="currentColor" />
    </svg>
  );
}

/** How the service is, and the first reasons why. */
function Condition() {
  const { data, problem } = useSnapshot();
  if (problem && !(data && problem.status)) return <StateChip state="unreachable" />;
  if (!data) return null;
  const why = data.service.reasons.map((reason) => reason.detail).join(" · ");
  return (
    <>
      <StateChip state={data.service.health} title={why || undefined} />
      <span class="why" title={why || undefined}>
        {why}
      </span>
    </>
  );
}

function Freshness() {
  const now = useNow();
  const { updatedAt, stale } = useFreshness();
  if (updatedAt === null) return <span class="fresh" />;
  const age = Math.max(0, Math.round((now - updatedAt) / 1000));
  return (
    <span class={stale ? "fresh old" : "fresh"} title={new Date(updatedAt).toISOString()}>
      updated {age < 1 ? "just now" : `${duration(age)} ago`}
    </span>
  );
}

function RefreshPicker() {
  const { refreshS, setRefreshS } = usePreferences();
  return (
    <label>
      <span class="label">Refresh</span>{" "}
      <select aria-label="Refresh" value={refreshS} onChange={(event) => setRefreshS(Number(event.currentTarget.value))}>
        {REFRESH_CHOICES_S.map((seconds) => (
          <option key={seconds} value={seconds}>
            {seconds === 0 ? "Off" : `${seconds} s`}
          </option>
        ))}
      </select>
    </label>
  );
}

function ThemePicker() {
  const { theme, setTheme } = usePreferences();
  return (
    <label>
      <span class="label">Theme</span>{" "}
      <select aria-label="Theme" value={theme} onChange={(event) => setTheme(event.currentTarget.value as Theme)}>
        {THEMES.map((choice) => (
          <option key={choice} value={choice}>
            {THEME_NAMES[choice]}
          </option>
        ))}
      </select>
    </label>
  );
}
