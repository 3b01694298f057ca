import { type Pass, PassResult, PassStepKind } from '@kplug/protocol/services';
import type { IconName } from '../parts/icon.tsx';

/** How the result of a pass is shown. */
export interface ResultStyle {
  readonly word: string;
  readonly icon: IconName;
}

const results: Readonly<Record<PassResult, ResultStyle>> = {
  [PassResult.UNSPECIFIED]: { word: 'unknown', icon: 'unknown' },
  [PassResult.SETTLED]: { word: 'settled', icon: 'ready' },
  [PassResult.WAITING]: { word: 'waiting', icon: 'waiting' },
  [PassResult.RETRY]: { word: 'failed', icon: 'failing' },
  [PassResult.AGAIN]: { word: 'again', icon: 'play' },
  [PassResult.STALE]: { word: 'outdated', icon: 'gone' },
  [PassResult.PAUSED]: { word: 'paused', icon: 'paused' },
  [PassResult.DONE]: { word: 'done', icon: 'ready' },
};

const unknown: ResultStyle = { word: 'unknown', icon: 'unknown' };

/** Word and icon for how a pass ended. A failure for good isn't tried again, and is one nevertheless. */
export function resultOf({ result, failed }: Pick<Pass, 'result' | 'failed'>): ResultStyle {
  return (failed ? results[PassResult.RETRY] : results[result as PassResult]) ?? unknown;
}

const steps: Readonly<Record<PassStepKind, string>> = {
  [PassStepKind.UNSPECIFIED]: 'step',
  [PassStepKind.GATHER]: 'gather',
  [PassStepKind.SELECT]: 'select',
  [PassStepKind.CALL]: 'call',
  [PassStepKind.WRITE]: 'write',
};

/** Word for a kind of step. */
export function stepWord(kind: number): string {
  return steps[kind as PassStepKind] ?? 'step';
}
