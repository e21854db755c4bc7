import { useEffect, useRef, useState } from "preact/hooks";

const PAUSE_MS = 250;

interface Props {
  label: string;
  value: string;
  onSearch: (text: string) => void;
}

/** Searches when typing has paused. */
export function SearchField({ label, value, onSearch }: Props) {
  const [text, setText] = useState(value);
  const timer = useRef(0);
  useEffect(() => setText(value), [value]);
  useEffect(() => () => window.clearTimeout(timer.current), []);
  const typed = (next: string) => {
    setText(next);
    window.clearTimeout(timer.current);
    timer.current = window.setTimeout(() => onSearch(next.trim()), PAUSE_MS);
  };
  return <input type="search" aria-label={label} placeholder={label} value={text} onInput={(event) => typed(event.currentTarget.value)} />;
}
