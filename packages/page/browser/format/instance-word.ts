import { InstanceState } from '@kplug/protocol/services';

/** Word for the state of an instance, as the operator says it. */
export type InstanceStateWord = 'live' | 'suspect' | 'draining' | 'gone' | 'unknown';

const words: Readonly<Record<InstanceState, InstanceStateWord>> = {
  [InstanceState.UNSPECIFIED]: 'unknown',
  [InstanceState.LIVE]: 'live',
  [InstanceState.SUSPECT]: 'suspect',
  [InstanceState.DRAINING]: 'draining',
  [InstanceState.GONE]: 'gone',
};

/** Returns the word for the state of an instance; `unknown` for a state of a later version. */
export function wordOfInstance(state: number): InstanceStateWord {
  return words[state as InstanceState] ?? 'unknown';
}
