import { KplugError } from '../../errors.ts';
import { type JsonValue, keyOf } from '../../resources/resource.ts';
import type { Attempt, Failure } from '../attempt.ts';
import type { Gathered } from '../gather.ts';
import type { PassContext } from '../pass-context.ts';
import { type KeptDependent, readInventory, writeInventory } from './inventory.ts';
import { readWanted, type WantedDependent } from './wanted.ts';

/** What is kept for a base after a pass, as its status has it, and what went wrong. */
export interface Keeping {
  kept: JsonValue[];
  failure?: Failure;
}

/** What one plugin wants; `items` is missing when it said nothing of that. */
interface Wish {
  plugin: string;
  items: readonly WantedDependent[] | undefined;
}

/**
 * Keeps for a base what its plugins want: applies it in their order, and removes what is wanted no longer. What a plugin wanted that
 * the resource has left is retained or removed, as the delegation says of hand-overs.
 */
export async function keepWanted(
  context: PassContext,
  { base }: Gathered,
  attempts: readonly Attempt[],
): Promise<Keeping> {
  const former = readInventory(base);
  const wishes = attempts.map(({ implementation: { plugin }, answer }): Wish => {
    return { plugin, items: answer?.dependents && readWanted(answer.dependents, base, context.settings) };
  });
  const wanted = wishes.flatMap(({ plugin, items = [] }) => items.map((item) => ({ ...item, plugin })));
  const left = former.filter(({ key }) => !wanted.some((one) => one.key === key));
  if (wanted.length === 0 && left.length === 0) return { kept: [] };
  const retained = left.filter((one) => isRetained(one, wishes, context));
  const options = { owner: base, fieldManager: context.settings.fieldManager };
  try {
    await context.dependents.writing(keyOf(base), async () => {
      for (const { key, content } of wanted) await context.resources.applyOwned(key, content, options);
      for (const one of left) if (!retained.includes(one)) await context.resources.removeOwned(one.key, options);
    });
    return { kept: writeInventory([...wanted, ...retained]) };
  } catch (error) {
    if (!(error instanceof KplugError) || !failures.has(error.code)) throw error;
    const failure = { reason: 'DependentFailed', message: error.message, terminal: false, retryAfter: undefined };
    // What may be there is noted all the same, so that it is removed when nobody wants it any more.
    return { kept: writeInventory([...wanted, ...left]), failure };
  }
}

const failures: ReadonlySet<string> = new Set(['Conflict', 'StorageFailed', 'InvalidResponse']);

/** Whether something that nobody asked for now stays: its plugin said nothing, or is gone and leaves what it made. */
function isRetained({ plugin }: KeptDependent, wishes: readonly Wish[], { settings }: PassContext): boolean {
  const wish = wishes.find((one) => one.plugin === plugin);
  return wish ? wish.items === undefined : settings.handOver === 'retain';
}
