/** Reads `name=value` lines; blank lines are left out. Gives the lines that are neither. */
export function readConfig(text: string): { config: Record<string, string>; wrong: string[] } {
  const lines = text.split("\n").map((line) => line.trim()).filter(Boolean);
  const wrong = lines.filter((line) => !/^[\w.-]+\s*=/.test(line));
  const pairs = lines.filter((line) => !wrong.includes(line)).map((line): [string, string] => {
    const at = line.indexOf("=");
    return [line.slice(0, at).trim(), line.slice(at + 1).trim()];
  });
  return { config: Object.fromEntries(pairs), wrong };
}
