import type { PluginInstance } from '@kplug/protocol/services';
import { type InstanceStateWord, wordOfInstance } from '../format/instance-word.ts';
import { durationOf, formatSpan, millisecondsOf } from '../format/time.ts';

/** Word for the state of an instance. `overdue` is one that was last known as live, and whose lease has ended since without news. */
export type InstanceWord = InstanceStateWord | 'overdue';

/** State of an instance with its lease, as of a time. */
export interface LeaseView {
  readonly word: InstanceWord;
  /** Part of the lease that is left, 0 to 1; undefined if it isn't known. */
  readonly part: number | undefined;
  readonly text: string;
}

/** Time after the end of a lease in which the operator's word may still be on its way, in milliseconds. */
const grace = 1_500;

/** Describes the lease of an instance at a time by the clock of the operator. An instance without a lease is found otherwise, and never overdue. */
export function leaseOf({ state, lease, lastHeardAt }: PluginInstance, now: number): LeaseView {
  const word = wordOfInstance(state);
  const ttl = durationOf(lease?.ttl);
  const heard = millisecondsOf(lastHeardAt);
  if (word === 'gone' || !ttl || heard === undefined) return { word, part: undefined, text: '' };
  const left = heard + ttl - now;
  if (left < -grace) {
    const text = `lease ended ${formatSpan(-left)} ago, no news since`;
    return { word: word === 'live' ? 'overdue' : word, part: 0, text };
  }
  const part = Math.max(0, Math.min(1, left / ttl));
  return { word, part, text: `lease ends in ${formatSpan(Math.max(0, left) + 999)}` };
}
