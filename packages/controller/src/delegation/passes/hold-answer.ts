import { KplugError } from '../../errors.ts';
import type { Implementation } from '../../registry/implementation.ts';
import { findCondition } from '../../resources/conditions.ts';
import type { Attempt } from '../calls/attempt.ts';
import { type CallSource, makeCall } from '../calls/call.ts';
import { hashInput } from '../calls/hash-input.ts';
import type { HeldAnswer, Validity } from '../calls/held-answers.ts';
import type { Pass } from './pass.ts';
import type { PassResult } from './pass-context.ts';

/** Returns the validity of the last answers of the plugins that would be called, if they hold, so that no call is needed. */
export function findHeld(
  source: CallSource & { held: HeldAnswer | undefined },
  implementations: readonly Implementation[],
  choice: { reason: string; message: string },
): Validity | undefined {
  const { status, metadata } = source.gathered.base;
  const reconciled = findCondition(status, 'Reconciled');
  // The answers are in the status, unless something else was reported since.
  if (reconciled?.status !== 'True' || reconciled.observedGeneration !== metadata.generation) return undefined;
  return source.held?.find(() => implementations.map((implementation) => hashCall(source, implementation, choice)));
}

/** Hashes the input of a call. Returns an empty text if the plugin can't be called, as what it requires can't be sent. */
function hashCall(
  source: CallSource,
  implementation: Implementation,
  choice: { reason: string; message: string },
): string {
  try {
    const required = source.context.requirements.find(source.gathered.base, implementation);
    return hashInput(implementation, makeCall(source, implementation, choice, required));
  } catch (error) {
    if (error instanceof KplugError) return '';
    throw error;
  }
}

/** Holds the answers of a successful pass, if each of them may be held. @param result result of the pass. */
export function holdAnswers({ held }: Pass, attempts: readonly Attempt[], result: PassResult): void {
  const validities = attempts.flatMap(({ validity }) => validity ?? []);
  if (result.next !== 'settled' || validities.length === 0 || validities.length < attempts.length) return;
  held.hold({
    inputs: validities.map(({ input }) => input),
    until: Math.min(...validities.map(({ until }) => until)),
    requeueAt: result.after === undefined ? undefined : performance.now() + result.after,
  });
}
