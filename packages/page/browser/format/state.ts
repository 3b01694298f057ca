import { ResourceState } from '@kplug/protocol/services';
import type { StateWord } from '../routing/filter.ts';

const words: Partial<Record<ResourceState, StateWord>> = {
  [ResourceState.READY]: 'ready',
  [ResourceState.WAITING]: 'waiting',
  [ResourceState.FAILING]: 'failing',
  [ResourceState.DELETING]: 'deleting',
  [ResourceState.PAUSED]: 'paused',
};

const states: Record<StateWord, ResourceState> = {
  ready: ResourceState.READY,
  waiting: ResourceState.WAITING,
  failing: ResourceState.FAILING,
  deleting: ResourceState.DELETING,
  paused: ResourceState.PAUSED,
};

/** Word for a state; `unknown` for one that isn't set, or that a newer operator knows. */
export function wordOf(state: number): StateWord | 'unknown' {
  return words[state as ResourceState] ?? 'unknown';
}

/** State for a word. */
export function stateOf(word: StateWord): ResourceState {
  return states[word];
}
