import { formatCount } from '../format/number.ts';
import { type StateWord, stateWords } from '../routing/filter.ts';

/** Numbers of resources by state as one bar. Every number that isn't 0 can be seen. */
export function StateBar({ counts }: { counts: Readonly<Record<StateWord, number>> }) {
  const words = stateWords.filter((word) => counts[word] > 0);
  const label = words.map((word) => `${formatCount(counts[word])} ${word}`).join(', ');
  return (
    <div class="bar" role="img" aria-label={label}>
      {words.map((word) => (
        <span key={word} class={`fill-${word}`} style={{ flex: `${counts[word]} 1 0` }} />
      ))}
    </div>
  );
}
