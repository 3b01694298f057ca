import { Icon, type IconName } from '../parts/icon.tsx';
import type { InstanceWord } from './lease.ts';

const icons: Readonly<Record<InstanceWord, IconName>> = {
  live: 'live',
  overdue: 'waiting',
  suspect: 'suspect',
  draining: 'draining',
  gone: 'gone',
  unknown: 'unknown',
};

/** State of an instance: an icon and a word, with a number before it if there are several. */
export function InstanceBadge({ word, count }: { word: InstanceWord; count?: number }) {
  return (
    <span class={`state state-${word}`}>
      <Icon name={icons[word]} />
      {count === undefined ? '' : `${count} `}
      {word}
    </span>
  );
}
