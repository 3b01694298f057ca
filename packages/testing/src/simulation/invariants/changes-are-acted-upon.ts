import { type JsonObject, type JsonValue, keyOf, parseKey, type Resource } from '@kplug/controller';
import { findCondition } from '@kplug/controller/internal';
import { expectedFields, expectedViews } from '../behaviour.ts';
import { short } from '../history.ts';
import type { Invariant } from '../invariant.ts';
import { isJsonObject } from '../json.ts';
import { optionsKey, viewKey } from '../kinds.ts';
import type { Simulation } from '../simulation.ts';

/** Every change is acted upon in the end. */
export class ChangesAreActedUpon implements Invariant {
  readonly name = 'changes-are-acted-upon';
  readonly sentence =
    'When faults have ceased and time has passed, each resource is reconciled at its latest generation, with its latest extensions, by the ' +
    'plugin that selection chooses, or its status says why not.';

  atRest(world: Simulation): string | undefined {
    const { leader } = world;
    if (!leader?.delegation) return 'no controller leads';
    const { active, waiting } = leader.delegation.load;
    if (active + waiting > 0) return `${active} passes are in progress, and ${waiting} resources wait`;
    const difference = world.cluster.differenceFrom(leader.view);
    if (difference) return `the cache has another version of ${difference}`;
    for (const table of world.cluster.tables()) {
      if (table.metadata.deletionTimestamp) continue;
      const fault = world.concerns(table) ? findFault(table, world) : findRest(table);
      if (fault) return `${short(keyOf(table))} ${fault}`;
    }
    return undefined;
  }
}

/** Finds what remains of a resource that is no longer delegated. */
function findRest({ metadata: { finalizers }, status }: Resource): string | undefined {
  return finalizers || status ? "isn't delegated, but has a status or a finalizer" : undefined;
}

function findFault(table: Resource, world: Simulation): string | undefined {
  const { generation } = table.metadata;
  const choice = world.leader?.delegation?.explain(table);
  const ready = findCondition(table.status, 'Ready');
  if (!ready) return 'has no condition Ready';
  const said = `says Ready=${ready.status} (${ready.reason}: ${ready.message}) for generation ${ready.observedGeneration}`;
  if (ready.observedGeneration !== generation) return `${said} instead of ${generation}`;
  if (choice?.selection.chosen.length === 0) {
    return ready.status === 'False' && ready.message === choice.message ? undefined : `${said}, but ${choice.message}`;
  }
  const { sizes, missing } = sizesOf(table, world);
  if (missing) return ready.reason === 'ExtensionNotFound' ? undefined : `${said}, but Options/${missing} is missing`;
  if (ready.status !== 'True') return world.hasGivenUp(table) ? undefined : said;
  return findReadyFault(table, world, choice?.selection.chosen ?? [], sizes) ?? findViewFault(table, world);
}

/** Returns the sizes of the extensions of a table, or the name of one that doesn't exist. */
function sizesOf(table: Resource, { cluster }: Simulation): { sizes: JsonObject; missing?: string } {
  const sizes: JsonObject = {};
  for (const { name } of (table.spec?.extensions ?? []) as { name: string }[]) {
    const extension = cluster.store.get(optionsKey(name));
    if (!extension) return { sizes, missing: name };
    sizes[name] = extension.spec?.size;
  }
  return { sizes };
}

/** Finds a fault of a table that says that it is ready. */
function findReadyFault(
  table: Resource,
  { declaration }: Simulation,
  chosen: readonly { plugin: { text: string }; version: string }[],
  sizes: JsonObject,
): string | undefined {
  if (declaration.finalize && !table.metadata.finalizers?.length) return 'has no finalizer';
  for (const { plugin, version } of chosen) {
    const by = `${plugin.text} ${version}`;
    const fields = fieldsOf(table, plugin.text);
    if (!isJsonObject(fields)) return `has no status of ${by}`;
    const expected = JSON.stringify({ ...expectedFields(table.spec ?? {}, sizes), by });
    const found = JSON.stringify({ rows: fields.rows, sizes: fields.sizes, by: fields.by });
    // Instances may spell the name of their plugin differently.
    if (found.toLowerCase() !== expected.toLowerCase()) return `has the status ${found} instead of ${expected}`;
  }
  return undefined;
}

/** Returns the part of a status that is of a plugin. Instances may spell the name of their plugin differently. */
function fieldsOf({ status }: Resource, plugin: string): JsonValue | undefined {
  const { implementations } = status ?? {};
  if (!isJsonObject(implementations)) return status;
  return Object.entries(implementations).find(([name]) => name.toLowerCase() === plugin.toLowerCase())?.[1];
}

/** Finds a fault of the dependents. */
function findViewFault(table: Resource, { cluster }: Simulation): string | undefined {
  for (const view of expectedViews(table.metadata.name, table.spec ?? {})) {
    const { name } = view.metadata as { name: string };
    const found = cluster.store.get(viewKey(name));
    if (!found) return `has no dependent ${name}`;
    if (JSON.stringify(found.spec) !== JSON.stringify(view.spec)) return `has an outdated dependent ${name}`;
  }
  const listed = (table.status?.dependents ?? []) as { name: string }[];
  const missing = expectedViews(table.metadata.name, table.spec ?? {}).find(
    ({ metadata }) => !listed.some(({ name }) => name === (metadata as { name: string }).name),
  );
  return missing && `doesn't list its dependent ${parseKey(viewKey((missing.metadata as { name: string }).name)).name}`;
}
