import { KplugError } from '../../errors.ts';
import { describeKey, formatKey, isSameKind, keyOf, type ResourceKey } from '../../resources/resource.ts';
import type { Attempt, Failure } from '../calls/attempt.ts';
import type { PassResources } from '../passes/observed-writes.ts';
import type { Pass } from '../passes/pass.ts';
import type { AppliedDependents } from './applied-dependents.ts';
import { type Claim, decideClaims } from './claims.ts';
import { describeDependents } from './describe-dependents.ts';
import { type InventoryEntry, readInventory, writeInventory } from './inventory.ts';
import { recordNew } from './record-new.ts';
import { removeDependents } from './remove-dependents.ts';
import { describeInstability } from './request-changes.ts';
import { countReady, summarize, type Unready } from './summarize.ts';
import { describeUnseen } from './unseen.ts';
import { Workflow } from './workflow.ts';

/**
 * Applies the dependents that plugins request, each when those that it requires are ready, and then removes those that are no longer
 * requested, in reverse order. Dependents of a plugin that no longer reconciles the base are retained or removed, as the delegation
 * specifies for hand-overs.
 */
export async function applyDependents(pass: Pass, attempts: readonly Attempt[]): Promise<AppliedDependents> {
  const { base, key: baseKey } = pass;
  const { settings, resources, dependents: follower } = pass.context;
  const inventory = readInventory(base);
  const claims = attempts.flatMap(({ implementation: { plugin }, desired = [] }) =>
    desired.map((item): Claim => {
      const { retain, policy } = item.rules;
      return { ...item, plugin, retain, isObserved: policy === 'Observe' };
    }),
  );
  const { granted, problem } = decideClaims(claims, inventory);
  const surplus = inventory.filter(({ key }) => !granted.some((one) => one.key === key));
  if (granted.length === 0 && surplus.length === 0) return { dependents: [] };
  const retained = surplus.filter((entry) => isRetained(entry, attempts, settings.handOver));
  const options = { owner: base, fieldManager: settings.fieldManager };
  const { workflow, remaining } = await follower.writing(baseKey, async (writes) => {
    const workflow = new Workflow(resources, options, writes);
    const included = workflow.include(granted);
    await recordNew(pass, included, inventory);
    await workflow.run(included);
    // A replacement comes before a deletion. Excluded dependents are deleted in any case.
    const unwanted = inventory.filter((entry) => {
      if (workflow.excluded.has(entry.key)) return true;
      return workflow.isApplied && surplus.includes(entry) && !retained.includes(entry);
    });
    return { workflow, remaining: await removeDependents(unwanted.reverse(), resources, options, writes) };
  });

  for (const key of workflow.taken) warnOwner(pass, key);
  const now = new Date();
  const { listed, counted } = describeDependents(pass, attempts, { inventory, retained, remaining, workflow, now });
  const unseen = workflow.findUnseen(({ key, plugin }) => {
    return attempts.find(({ implementation }) => implementation.plugin.equals(plugin))?.seen?.get(key);
  });
  const unready = summarize(counted, settings.dependents.readyTimeout, now.getTime()) ?? describeUnseen(base, unseen);
  const message = workflow.error?.message ?? problem;
  const failure = message === undefined ? findInstability(pass, attempts, granted) : failed(message);
  return {
    dependents: writeInventory(listed),
    ...(counted.length > 0 && { dependentsReady: countReady(counted) }),
    ...(failure && { failure }),
    ...(unseen.some(({ isKnown }) => isKnown) && { needsCall: true }),
    ...(unready && { unready: await withLastEvent(unready, resources) }),
  };
}

/** Returns the failure of plugins that request other dependents at each call. */
function findInstability(pass: Pass, attempts: readonly Attempt[], claims: readonly Claim[]): Failure | undefined {
  // An answer without dependents changes none.
  if (attempts.some(({ desired }) => !desired)) return undefined;
  const change = pass.context.dependents.requests.record(pass.key, pass.gathered, claims);
  const failure = describeInstability(change);
  // The retry calls the plugins again.
  if (failure) pass.kept.revoke();
  return failure;
}

/** Warns the base that owns a dependent that another one requests it too. */
function warnOwner({ base, context: { settings, resources, events } }: Pass, key: ResourceKey): void {
  const owner = resources.get(key)?.metadata.ownerReferences?.find(({ controller }) => controller);
  if (!owner || !isSameKind(owner, settings.base)) return;
  const { namespace = '' } = base.metadata;
  const other = describeKey(keyOf(base));
  const message = `${other} requests the dependent ${describeKey(key)} of this resource, too; let one of them use another name`;
  const { apiVersion, kind } = settings.base;
  events.record(formatKey({ apiVersion, kind, namespace, name: owner.name }), {
    type: 'Warning',
    reason: 'DependentClaimed',
    message,
  });
}

/** Adds the last Event about the dependent that failed, which often has the cause. */
async function withLastEvent(unready: Unready, resources: PassResources): Promise<Unready> {
  const resource = unready.failed === undefined ? undefined : resources.get(unready.failed);
  const reader = resources.services?.eventReader;
  if (!resource || !reader) return unready;
  try {
    const event = await reader.lastOf(resource);
    return event === undefined ? unready : { ...unready, message: `${unready.message}; last Event: ${event}` };
  } catch (error) {
    if (!(error instanceof KplugError) || error.code !== 'StorageFailed') throw error;
    return { ...unready, message: `${unready.message}; ${error.message}` };
  }
}

function failed(message: string): Failure {
  return { reason: 'DependentFailed', message, terminal: false, retryAfter: undefined };
}

/** Reports whether a dependent that isn't requested stays: its plugin didn't mention dependents, or was replaced and retains them. */
function isRetained(
  { plugin }: InventoryEntry,
  attempts: readonly Attempt[],
  handOver: 'retain' | 'finalize',
): boolean {
  const attempt = attempts.find(({ implementation }) => implementation.plugin.equals(plugin));
  return attempt ? attempt.desired === undefined : handOver === 'retain';
}
