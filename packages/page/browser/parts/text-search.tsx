import { useEffect, useState } from 'preact/hooks';
import { Icon } from './icon.tsx';

/** Pause after which a typed text is searched for, in milliseconds. */
const typingPause = 250;

interface TextSearchProps {
  /** Name of the field, for those who don't see it. */
  label: string;
  placeholder: string;
  text: string;
  onText: (text: string) => void;
}

/** Field for a text to search for, to which `/` goes. A screen has one. */
export function TextSearch({ label, placeholder, text, onText }: TextSearchProps) {
  const [typed, setTyped] = useState(text);
  useEffect(() => setTyped(text), [text]);
  useEffect(() => {
    if (typed === text) return;
    const timer = setTimeout(() => onText(typed), typingPause);
    return () => clearTimeout(timer);
  }, [typed]);
  return (
    <div class="search">
      <Icon name="search" />
      <input
        id="search"
        class="field"
        type="search"
        placeholder={`${placeholder}  ( / )`}
        aria-label={label}
        aria-keyshortcuts="/"
        maxLength={200}
        value={typed}
        onInput={({ currentTarget }) => setTyped(currentTarget.value)}
      />
    </div>
  );
}
