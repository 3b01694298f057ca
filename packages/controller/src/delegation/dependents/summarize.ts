import { describeKey, type ResourceKey } from '../../resources/resource.ts';
import type { ReportedDependent } from './inventory.ts';

/** Reason why a base isn't ready although its plugin succeeded. Times in milliseconds. */
export interface Unready {
  reason: 'DependentsNotReady' | 'DependentFailed' | 'DependentTimedOut';
  message: string;
  /** Time until a dependent times out, if one may. */
  after?: number;
  /** True if the next pass follows immediately, so that it is worth no Event. */
  isBrief?: boolean;
  /** Dependent that failed or timed out. */
  failed?: ResourceKey;
}

/** Dependent with a time to become ready, in milliseconds. */
export interface TimedDependent extends ReportedDependent {
  /** Default: that of the delegation. */
  readyTimeout?: number | undefined;
}

/**
 * Summarizes dependents: the reason why the base isn't ready, `undefined` if all of them are ready. It names the first one that isn't, and
 * not those that only wait for it.
 *
 * @param readyTimeout of dependents without one of their own.
 */
export function summarize(
  dependents: readonly TimedDependent[],
  readyTimeout: number,
  now: number,
): Unready | undefined {
  const unready = dependents.filter(({ reason }) => reason !== 'Ready');
  if (unready.length === 0) return undefined;
  const progressing = unready
    .filter(({ reason }) => reason === 'Progressing')
    .map((one) => ({ ...one, remaining: Date.parse(one.since) + (one.readyTimeout ?? readyTimeout) - now }));
  const counts = `${dependents.length - unready.length} of ${dependents.length} dependents are ready`;
  const failed = unready.find(({ reason }) => reason === 'Failed');
  if (failed)
    return {
      reason: 'DependentFailed',
      message: `${describe(failed)} failed: ${failed.message}; ${counts}`,
      failed: failed.key,
    };
  const late = progressing.find(({ remaining }) => remaining <= 0);
  if (late) {
    const message = `${describe(late)} has not been ready since ${late.since}: ${late.message}; ${counts}`;
    return { reason: 'DependentTimedOut', message, failed: late.key };
  }
  const [first = unready[0]] = progressing;
  if (!first) return undefined;
  const message = `${describe(first)} is not ready: ${first.message}; ${counts}`;
  const after = Math.min(...progressing.map(({ remaining }) => remaining));
  return { reason: 'DependentsNotReady', message, ...(Number.isFinite(after) && { after }) };
}

function describe({ key }: ReportedDependent): string {
  return describeKey(key);
}

/** Counts the dependents that are ready: `2/3`. */
export function countReady(dependents: readonly ReportedDependent[]): string {
  return `${dependents.filter(({ reason }) => reason === 'Ready').length}/${dependents.length}`;
}
