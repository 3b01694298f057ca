import { keyOf } from '@kplug/controller';
import { findCondition } from '@kplug/controller/internal';
import { short } from '../history.ts';
import type { Invariant } from '../invariant.ts';
import type { World } from '../world.ts';
import { pluginsOf } from './statuses-are-true.ts';

/** Deleted resources vanish in the end. */
export class DeletedResourcesVanish implements Invariant {
  readonly name = 'deleted-resources-vanish';
  readonly sentence =
    'When faults have ceased and time has passed, a resource that is being deleted is gone, unless the plugin that has to finalize it is.';

  atRest(world: World): string | undefined {
    const { leader, declaration } = world;
    for (const table of world.cluster.tables()) {
      const { deletionTimestamp, generation } = table.metadata;
      if (!deletionTimestamp) continue;
      const subject = `${short(keyOf(table))}, which was deleted, still exists`;
      const missing = pluginsOf(table).filter(({ name, apiVersion }) => {
        return !leader?.knows(name, [apiVersion[0], declaration.range[1]]);
      });
      if (missing.length === 0 && world.hasGivenUp(table)) continue;
      if (missing.length === 0) return `${subject}, though its plugins are available`;
      if (declaration.whenPluginGone === 'release') return `${subject}, though it should have been released`;
      const isAnyKnown = world.upProcesses.some(({ identity }) => declaration.range[1] === identity.apiVersion[0]);
      if (declaration.whenPluginGone === 'fallback' && isAnyKnown)
        return `${subject}, though another plugin may finalize it`;
      const ready = findCondition(table.status, 'Ready');
      if (ready?.reason !== 'PluginGone') return `${subject}, and doesn't say why (${ready?.reason})`;
      if (ready.observedGeneration !== generation) return `${subject}, and says why for another generation`;
    }
    return undefined;
  }
}
