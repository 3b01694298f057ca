import { isServiceError } from '@kplug/protocol';
import { describeAnswer } from '../plugin/describe-answer.ts';
import { named } from '../plugin/sample.ts';
import { NotMet, NotTried, type Requirement } from '../requirement.ts';
import type { V0Call, V0UnderTest } from './v0-under-test.ts';

/** Number of resources that are created at the same time, and of such rounds. */
const [resources, rounds] = [32, 3];

const advice = 'keep "v0Concurrency: 1", the default, in its delegations';

/** Requirement on concurrent calls. Each call is for a resource of its own, and all have to be answered as one alone would be. */
export const concurrencyRequirement: Requirement<V0UnderTest> = {
  number: 'F8',
  level: 'SHOULD',
  title: 'serves concurrent calls',
  check: async (plugin) => {
    await plugin.created();
    const { name: given } = plugin.sample.base.metadata;
    // None of the names is part of another.
    const names = Array.from({ length: resources }, (_, index) => `${given}-at-once-${String(index).padStart(2, '0')}`);
    const create = (name: string) => plugin.create(plugin.request(named(plugin.sample.base, name)));
    try {
      // A resource that can't be created alone says nothing about concurrency.
      const [alone = ''] = names;
      await create(alone).catch((error: unknown) => {
        if (!isServiceError(error)) throw error;
        throw new NotTried(`another resource with the same spec can't be created: ${describeAnswer(error)}`);
      });
      for (let round = 0; round < rounds; round++) await requireServed(names, create);
    } finally {
      for (const name of names) await deleteQuietly(plugin, name);
    }
    return `${resources} at a time, ${rounds} times`;
  },
};

async function requireServed(names: readonly string[], create: (name: string) => Promise<V0Call>): Promise<void> {
  const results = await Promise.allSettled(names.map(create));
  const mixed = results.flatMap((result, index) => {
    return result.status === 'fulfilled' ? othersIn(result.value, names, index) : [];
  });
  if (mixed.length > 0)
    throw new NotMet(`an answer about one resource names another: ${mixed[0]}; ${advice}`, 'its own');
  const failures = results.flatMap((result, index) => (result.status === 'rejected' ? [{ result, index }] : []));
  const errors: unknown[] = [];
  for (const { result, index } of failures) {
    if (!isServiceError(result.reason)) throw result.reason;
    if (await isServed(create, names[index] ?? '')) errors.push(result.reason);
  }
  if (errors.length === 0) return;
  const seen = `${errors.length} of ${names.length} concurrent calls failed, and succeeded alone: ${describeAnswer(errors[0])}`;
  throw new NotMet(`${seen}; ${advice}`, 'success');
}

/** Returns the names of other resources in an answer. */
function othersIn({ returned }: V0Call, names: readonly string[], own: number): string[] {
  const text = [returned?.base, ...Object.values(returned?.references ?? {})].map((one) => one?.yaml ?? '').join('\n');
  return names.filter((name, index) => index !== own && text.includes(name));
}

async function isServed(create: (name: string) => Promise<V0Call>, name: string): Promise<boolean> {
  try {
    await create(name);
    return true;
  } catch (error) {
    if (isServiceError(error)) return false;
    throw error;
  }
}

/** Deletes a resource. A failure is that of another requirement. */
async function deleteQuietly(plugin: V0UnderTest, name: string): Promise<void> {
  try {
    await plugin.delete(plugin.request(named(plugin.sample.base, name)));
  } catch (error) {
    if (!isServiceError(error) && !(error instanceof NotTried)) throw error;
  }
}
