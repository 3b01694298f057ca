/**
 * Runs steps in the reverse order, each after the end of the one before, also if that failed. Rejects with the failure, or with an
 * `AggregateError` of several.
 */
export async function runInReverse(steps: readonly (() => unknown)[]): Promise<void> {
  const failures: unknown[] = [];
  for (const step of steps.toReversed()) {
    try {
      await step();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 1)
    throw new AggregateError(failures, `${failures.length} steps failed`, { cause: failures[0] });
  if (failures.length === 1) throw failures[0];
}
