import { keyOf, type Resource } from '@kplug/controller';
import { findCondition } from '@kplug/controller/internal';
import { short } from '../history.ts';
import type { Invariant } from '../invariant.ts';
import type { Simulation } from '../simulation.ts';
import { pluginsOf } from './statuses-are-true.ts';

/** Deleted resources vanish in the end. */
export class DeletedResourcesVanish implements Invariant {
  readonly name = 'deleted-resources-vanish';
  readonly sentence =
    'When faults have ceased and time has passed, a resource that is being deleted is gone, unless the plugin that has to finalize it is.';

  atRest(world: Simulation): string | undefined {
    for (const table of world.cluster.tables()) {
      if (!table.metadata.deletionTimestamp) continue;
      const fault = this.#findFault(table, world);
      if (fault) return `${short(keyOf(table))}, which was deleted, still exists${fault}`;
    }
    return undefined;
  }

  #findFault(table: Resource, world: Simulation): string | undefined {
    const { declaration } = world;
    if (!isPluginMissing(table, world))
      return world.hasGivenUp(table) ? undefined : ', though its plugins are available';
    if (declaration.whenPluginGone === 'release') return ', though it should have been released';
    const isAnyKnown = world.upProcesses.some(({ identity }) => declaration.range[1] === identity.apiVersion[0]);
    if (declaration.whenPluginGone === 'fallback' && isAnyKnown) return ', though another plugin may finalize it';
    const ready = findCondition(table.status, 'Ready');
    if (ready?.reason !== 'PluginGone') return `, and doesn't say why (${ready?.reason})`;
    return ready.observedGeneration === table.metadata.generation ? undefined : ', and says why for another generation';
  }
}

/** Reports whether a plugin that has to finalize a table is missing: one that its status names, or one that was called since. */
function isPluginMissing(table: Resource, { leader, declaration }: Simulation): boolean {
  const [, waitedFor] =
    /^(\S+) \S+, which must finalize/.exec(findCondition(table.status, 'Ready')?.message ?? '') ?? [];
  const isKnown = (name: string, apiVersion: string) => leader?.knows(name, [apiVersion[0], declaration.range[1]]);
  const named = pluginsOf(table);
  const isUnnamed = waitedFor && !named.some(({ name }) => name.toLowerCase() === waitedFor.toLowerCase());
  if (isUnnamed && !isKnown(waitedFor, '')) return true;
  return named.some(({ name, apiVersion }) => !isKnown(name, apiVersion));
}
