import { useEffect, useState } from 'preact/hooks';
import { announce } from './announce.tsx';
import { Icon } from './icon.tsx';

/** Time for which the button says what it did, in milliseconds. */
const confirmation = 2_000;

/** A command to copy. */
export function Command({ text }: { text: string }) {
  const [outcome, setOutcome] = useState('');
  useEffect(() => {
    if (!outcome) return;
    const timer = setTimeout(() => setOutcome(''), confirmation);
    return () => clearTimeout(timer);
  }, [outcome]);
  const copy = async () => {
    const said = (await writeClipboard(text)) ? 'Copied' : 'Select it to copy';
    setOutcome(said);
    announce(said);
  };
  return (
    <div class="command">
      <code>{text}</code>
      <button type="button" class="button plain" aria-label={`Copy ${text}`} onClick={copy}>
        <Icon name="copy" />
        {outcome}
      </button>
    </div>
  );
}

/** Copies a text, and reports whether the browser allowed it: it does only in a secure context. */
async function writeClipboard(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
