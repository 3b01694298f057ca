import { CallInterrupted } from '../../clients/interruption.ts';
import type { AssignedCapability, PluginAnswer } from '../../clients/plugin-call.ts';
import type { KplugError } from '../../errors.ts';
import { formatPlugin } from '../../names.ts';
import type { Implementation } from '../../registry/implementation.ts';
import type { DesiredDependent } from '../dependents/read-desired.ts';

/** Call of one plugin: its answer, or the error that it ended with. */
export type Attempt = AnsweredCall | FailedCall;

/** Call that was answered, whatever its outcome. */
interface AnsweredCall {
  implementation: Implementation;
  answer: PluginAnswer;
  /** Checked dependents of the answer. `undefined`: unchanged. */
  desired?: readonly DesiredDependent[] | undefined;
  /** Capability that the call was for. */
  capability?: AssignedCapability | undefined;
  /** Hash of the input of the call, and the time until which the answer holds for it, if it does, by `performance.now()`. */
  validity?: { input: string; until: number } | undefined;
  error?: never;
}

interface FailedCall {
  implementation: Implementation;
  answer?: never;
  desired?: never;
  capability?: never;
  validity?: never;
  error: KplugError;
}

/** Reason why a resource isn't reconciled. */
export interface Failure {
  reason: string;
  message: string;
  /** True if retrying is pointless until something changes. */
  terminal: boolean;
  /** Delay before the retry, in milliseconds; `undefined` for back-off. */
  retryAfter: number | undefined;
}

/** Returns the attempt that a pass fails with, if any. */
export function findFailed(attempts: readonly Attempt[]): Attempt | undefined {
  const failed = attempts.filter(({ answer }) => answer?.outcome !== 'success');
  // The failure of a plugin that isn't called again, as it is suspended or failed for good, doesn't end the retries of another one.
  return failed.find((attempt) => !failureOf(attempt).terminal) ?? failed[0];
}

/** Describes an attempt that wasn't successful, for the user. */
export function failureOf({ implementation, answer, error }: Attempt): Failure {
  if (error) {
    // The resources of a suspended plugin are resumed when it answers again.
    const terminal = error.code === 'PluginSuspended';
    const retryAfter = error instanceof CallInterrupted ? error.retryAfter : undefined;
    return { reason: error.code, message: error.message, terminal, retryAfter };
  }
  const worst =
    answer.messages.find(({ severity }) => severity === 'error') ??
    answer.messages.find(({ severity }) => severity === 'warning') ??
    answer.messages[0];
  const plugin = formatPlugin(implementation);
  return {
    reason: worst?.reason ?? 'PluginFailed',
    message: worst ? `${plugin}: ${worst.text}` : `${plugin} failed without an error message`,
    terminal: answer.outcome === 'terminal',
    retryAfter: answer.retryAfter,
  };
}
