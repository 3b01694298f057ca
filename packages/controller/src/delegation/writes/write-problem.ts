import type { WriteProblem } from './write-failures.ts';

/** Describes the causes for which the writes of a delegation fail; `undefined` without any. */
export function describeWriteProblems(
  problems: readonly WriteProblem[],
): { reason: string; message: string } | undefined {
  const [first] = problems;
  if (!first) return undefined;
  const held = problems.reduce((sum, problem) => sum + problem.held, 0);
  const failed = problems.reduce((sum, problem) => sum + problem.failed, 0);
  const others = problems.length > 1 ? ` (and ${problems.length - 1} more causes)` : '';
  const message = `writes fail for ${failed} resources, and ${held} others wait until they succeed: ${first.failure.message}${others}`;
  return { reason: first.failure.code, message };
}
