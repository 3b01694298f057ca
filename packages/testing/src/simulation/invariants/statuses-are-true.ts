import type { JsonObject, JsonValue, Resource } from '@kplug/controller';
import { findCondition } from '@kplug/controller/internal';
import type { Happening } from '../history.ts';
import { short } from '../history.ts';
import type { Invariant } from '../invariant.ts';
import { isJsonObject } from '../json.ts';
import { tables } from '../kinds.ts';
import { callsOf } from '../ledger.ts';
import type { Simulation } from '../simulation.ts';

/** A status speaks of what a plugin did. */
export class StatusesAreTrue implements Invariant {
  readonly name = 'statuses-are-true';
  readonly sentence =
    'A status says Reconciled or Ready for a generation only if each plugin that it names has reconciled that generation successfully.';

  observe(happening: Happening, world: Simulation): string | undefined {
    if (happening.type !== 'write' || happening.write.kind !== 'status') return undefined;
    const { after, key } = happening.write;
    if (after?.kind !== tables.kind) return undefined;
    for (const type of ['Reconciled', 'Ready']) {
      const condition = findCondition(after.status, type);
      if (condition?.status !== 'True') continue;
      const { observedGeneration = 0 } = condition;
      const subject = `${short(key)} says ${type} for generation ${observedGeneration}`;
      if (observedGeneration > after.metadata.generation) return `${subject}, which doesn't exist`;
      const plugins = pluginsOf(after);
      // A plugin that has finalized a deleted resource is no longer named.
      if (plugins.length === 0 && !after.metadata.deletionTimestamp) return `${subject}, without a plugin`;
      const untrue = plugins.find(({ name, version }) => {
        const calls = callsOf(world.ledger, after.metadata.uid, name);
        return !calls.some((call) => {
          const isOfGeneration = call.generation === observedGeneration && call.version === version;
          return isOfGeneration && call.method === 'Reconcile' && call.outcome === 'success';
        });
      });
      if (untrue) return `${subject}, but ${untrue.name} ${untrue.version} hasn't reconciled it successfully`;
    }
    return undefined;
  }
}

/** Returns the plugins that a status names. */
export function pluginsOf({ status }: Resource): { name: string; version: string; apiVersion: string }[] {
  const { implementations } = status ?? {};
  const entries: (JsonValue | undefined)[] = isJsonObject(implementations) ? Object.values(implementations) : [status];
  return entries.flatMap((entry) => {
    const { plugin } = (entry ?? {}) as JsonObject;
    if (!isJsonObject(plugin)) return [];
    return [{ name: String(plugin.name), version: String(plugin.version), apiVersion: String(plugin.apiVersion) }];
  });
}
