import { wordOf } from '../format/state.ts';
import { Icon } from './icon.tsx';

/** State of a resource: an icon and a word. */
export function StateBadge({ state }: { state: number }) {
  const word = wordOf(state);
  return (
    <span class={`state state-${word}`}>
      <Icon name={word} />
      {word}
    </span>
  );
}
