// Values of settings as people read them.

/** `max_ms 30000` becomes `30000`; lists and objects become one line. */
export function settingText(value: unknown): string {
  if (value === null || value === "") return "none";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (Array.isArray(value)) return value.map(settingText).join(", ") || "none";
  if (typeof value === "object") {
    return Object.entries(value)
      .map(([name, inner]) => `${name.replaceAll("_", " ")} ${settingText(inner)}`)
      .join(", ");
  }
  return String(value);
}

/** Names and values of those that say something. */
export function settingsOf(values: Record<string, unknown>): [string, unknown][] {
  return Object.entries(values)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => [name.replaceAll("_", " "), value]);
}
