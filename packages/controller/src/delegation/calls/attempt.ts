import { CallInterrupted } from '../../clients/interruption.ts';
import type { AssignedCapability, PluginAnswer } from '../../clients/plugin-call.ts';
import type { KplugError } from '../../errors.ts';
import { limits } from '../../limits/limits.ts';
import { formatPlugin } from '../../names.ts';
import type { Implementation } from '../../registry/implementation.ts';
import type { Resource, ResourceKey } from '../../resources/resource.ts';
import type { DesiredDependent } from '../dependents/read-desired.ts';
import { describeProgress } from '../operations/operation.ts';

/** Delay until the next call of a plugin that has an operation in progress, in milliseconds. */
const { progressInterval } = limits.delegation;

/** Call of one plugin: its answer, or the error that it ended with. */
export type Attempt = AnsweredCall | FailedCall;

/** Call that was answered, whatever its outcome. */
interface AnsweredCall {
  implementation: Implementation;
  answer: PluginAnswer;
  /** Checked dependents of the answer. `undefined`: unchanged. */
  desired?: readonly DesiredDependent[] | undefined;
  /** Dependents as the call had them. */
  seen?: ReadonlyMap<ResourceKey, Resource> | undefined;
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
  seen?: never;
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
  /** True if nothing failed, but a plugin has an operation in progress. */
  isProgress?: boolean;
}

/** Returns the attempt that a pass fails with, if any. */
export function findFailed(attempts: readonly Attempt[]): Attempt | undefined {
  const failed = attempts.filter(({ answer }) => answer?.outcome !== 'success' && !answer?.progress);
  // The failure of a plugin that isn't called again, as it is suspended or failed for good, doesn't end the retries of another one.
  return failed.find((attempt) => !failureOf(attempt).terminal) ?? failed[0];
}

/** Describes the operations that plugins have in progress, if any. The next call is due when the first of them requests it. */
export function findProgress(attempts: readonly Attempt[]): Failure | undefined {
  const running = attempts.filter(({ answer }) => answer?.progress).map(failureOf);
  const [first] = running;
  if (!first) return undefined;
  const message = running.map((one) => one.message).join('; ');
  const delays = running.flatMap(({ retryAfter }) => retryAfter ?? []);
  return { ...first, message, retryAfter: Math.min(...delays) };
}

/** Describes an attempt that wasn't successful, for the user. */
export function failureOf({ implementation, answer, error }: Attempt): Failure {
  if (error) {
    // The resources of a suspended plugin are resumed when it answers again.
    const terminal = error.code === 'PluginSuspended';
    const retryAfter = error instanceof CallInterrupted ? error.retryAfter : undefined;
    return { reason: error.code, message: error.message, terminal, retryAfter };
  }
  const plugin = formatPlugin(implementation);
  const { progress, retryAfter = progressInterval } = answer;
  if (progress) {
    const message = `${plugin} is ${describeProgress(progress)}`;
    return { reason: 'InProgress', message, terminal: false, retryAfter, isProgress: true };
  }
  const worst =
    answer.messages.find(({ severity }) => severity === 'error') ??
    answer.messages.find(({ severity }) => severity === 'warning') ??
    answer.messages[0];
  return {
    reason: worst?.reason ?? 'PluginFailed',
    message: worst ? `${plugin}: ${worst.text}` : `${plugin} failed without an error message`,
    terminal: answer.outcome === 'terminal',
    retryAfter: answer.retryAfter,
  };
}
