import { AssertionError } from 'node:assert';
import type { FinalizeTestResult, TestOutcome } from './test-result.ts';

/**
 * Throws an `AssertionError` unless a call has an outcome. The error says what the plugin answered, and its cause is what the plugin threw.
 *
 * @param reason that a failure must have. Default: any.
 */
export function assertOutcome(result: FinalizeTestResult, outcome: TestOutcome, reason?: string): void {
  if (result.outcome === outcome && (reason === undefined || result.reason === reason)) return;
  const expected = reason === undefined ? outcome : `${outcome} ${reason}`;
  const actual = result.reason ? `${result.outcome} ${result.reason}` : result.outcome;
  const text = result.message ? `: ${result.message}` : '';
  const error = new AssertionError({
    message: `expected the outcome ${expected}; the plugin answered ${actual}${text}`,
    actual,
    expected,
    operator: 'assertOutcome',
    stackStartFn: assertOutcome,
  });
  error.cause = result.thrown;
  throw error;
}
