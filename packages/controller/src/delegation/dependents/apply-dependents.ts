import { KplugError } from '../../errors.ts';
import type { PluginName } from '../../names.ts';
import type { JsonValue } from '../../resources/resource.ts';
import type { Attempt, Failure } from '../calls/attempt.ts';
import type { Pass } from '../passes/pass.ts';
import { decideClaims } from './claims.ts';
import { type InventoryEntry, readInventory, writeInventory } from './inventory.ts';
import { type DesiredDependent, readDesired } from './read-desired.ts';

/** Dependents of a base after a pass, and the failure to apply them, if any. */
export interface AppliedDependents {
  /** Inventory for the base's status. */
  dependents: JsonValue[];
  failure?: Failure;
}

/** Dependents that one plugin requests. `items` is `undefined` when its answer doesn't mention any. */
interface DependentRequest {
  plugin: PluginName;
  items: readonly DesiredDependent[] | undefined;
}

/**
 * Applies the dependents that plugins request, in their order, and removes those that are no longer requested. Dependents of a
 * plugin that no longer reconciles the base are retained or removed, as the delegation specifies for hand-overs.
 */
export async function applyDependents(pass: Pass, attempts: readonly Attempt[]): Promise<AppliedDependents> {
  const { base, key: baseKey } = pass;
  const { settings, resources, dependents: follower } = pass.context;
  const requests = attempts.map(({ implementation: { plugin }, answer }): DependentRequest => {
    return { plugin, items: answer?.dependents && readDesired(answer.dependents, base, settings, resources) };
  });
  const inventory = readInventory(base);
  const claims = requests.flatMap(({ plugin, items = [] }) => items.map((item) => ({ ...item, plugin })));
  const { granted: desired, problem } = decideClaims(claims, inventory);
  const surplus = inventory.filter(({ key }) => !desired.some((one) => one.key === key));
  if (desired.length === 0 && surplus.length === 0) return { dependents: [] };
  const retained = surplus.filter((entry) => isRetained(entry, requests, settings.handOver));
  const options = { owner: base, fieldManager: settings.fieldManager };
  try {
    await follower.writing(baseKey, async () => {
      for (const { key, content } of desired) await resources.applyOwned(key, content, options);
      for (const entry of surplus) if (!retained.includes(entry)) await resources.removeOwned(entry.key, options);
    });
    const dependents = writeInventory([...desired, ...retained]);
    return problem === undefined ? { dependents } : { dependents, failure: failed(problem) };
  } catch (error) {
    if (!(error instanceof KplugError) || !reportedErrors.has(error.code)) throw error;
    // Dependents that may exist stay in the inventory, so that a later pass can remove them.
    return { dependents: writeInventory([...desired, ...surplus]), failure: failed(error.message) };
  }
}

function failed(message: string): Failure {
  return { reason: 'DependentFailed', message, terminal: false, retryAfter: undefined };
}

/** Errors that are reported in the base's status. Others fail the pass. */
const reportedErrors: ReadonlySet<string> = new Set(['Conflict', 'StorageFailed', 'InvalidResponse']);

/** Reports whether a dependent that isn't requested stays: its plugin didn't mention dependents, or was replaced and retains them. */
function isRetained(
  { plugin }: InventoryEntry,
  requests: readonly DependentRequest[],
  handOver: 'retain' | 'finalize',
): boolean {
  const request = requests.find((one) => one.plugin.equals(plugin));
  return request ? request.items === undefined : handOver === 'retain';
}
