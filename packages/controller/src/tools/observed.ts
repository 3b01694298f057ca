import type { DelegationSettings } from '../delegation/delegation-settings.ts';
import { readInventory, stampDependent } from '../delegation/dependents/inventory.ts';
import { listDependents } from '../delegation/dependents/record-new.ts';
import { KplugError } from '../errors.ts';
import { PluginName } from '../names.ts';
import type { Manifest } from '../resources/check-manifest.ts';
import type { ParsedManifest } from '../resources/manifest.ts';
import type { MemoryResources } from '../resources/memory/memory-resources.ts';
import { newResource, ownedResource } from '../resources/memory/user-changes.ts';
import {
  describeKey,
  describeReference,
  formatKey,
  isSameKind,
  keyOf,
  parseKey,
  type Resource,
  type ResourceKey,
  type ResourceKind,
} from '../resources/resource.ts';

/** A resource as it exists: as an earlier pass, its controller or a user left it. */
export type Observed = Pick<ParsedManifest, 'key' | 'manifest' | 'observed'>;

/** Resources at the start of a pass. */
interface Arranged {
  manifests: readonly Manifest[];
  observed?: readonly Observed[] | undefined;
  /** Name of the plugin that the dependents belong to, where the status of their base doesn't list them. */
  plugin: string;
}

/**
 * Applies manifests to what exists, so that what they change is a change, and stores the dependents of their bases and the resources that
 * plugins may require. A resource of a kind that may be either is a dependent if the status of a base lists it. Rejects with
 * `InvalidManifest`.
 */
export async function applyToObserved(
  resources: MemoryResources,
  { manifests, observed = [], plugin }: Arranged,
  settings: readonly DelegationSettings[],
): Promise<void> {
  const wanted = new Set(manifests.map(keyOfManifest));
  for (const one of observed) {
    if (wanted.has(one.key))
      store(resources, one, settings.find(({ base }) => isSameKind(base, one.manifest)) ?? settings[0]);
  }
  const applied = manifests.map((manifest) => resources.apply(manifest));
  const bases = applied.filter((one) => settings.some(({ base }) => isSameKind(base, one)));
  for (const one of observed) {
    if (wanted.has(one.key)) continue;
    const isOfKind = (kind: ResourceKind) => isSameKind(kind, one.manifest);
    const delegation = settings.find(({ dependents }) => dependents.kinds.some(isOfKind));
    const isRequired = settings.some(({ requirements }) => requirements.kinds.some(isOfKind));
    if (isRequired && !(delegation && bases.some((base) => isListed(one, base)))) {
      store(resources, one, undefined);
      continue;
    }
    if (!delegation) throw unrelated(one);
    const owner = findOwner(one, bases);
    store(resources, one, delegation, owner);
    await list(resources, one, { owner, delegation, plugin });
  }
}

/** Lists a dependent in the status of its base. */
async function list(
  resources: MemoryResources,
  { key }: Observed,
  { owner, delegation, plugin }: { owner: Resource; delegation: DelegationSettings; plugin: string },
): Promise<void> {
  const base = resources.get(keyOf(owner)) ?? owner;
  if (readInventory(base).some((entry) => entry.key === key)) return;
  const state = { reason: 'Progressing', message: '' } as const;
  const entry = stampDependent({ key, plugin: new PluginName(plugin), retain: false }, state, [], new Date());
  await listDependents(resources, base, [entry], delegation.fieldManager);
}

function keyOfManifest({ apiVersion, kind, metadata: { namespace = 'default', name } }: Manifest): ResourceKey {
  return formatKey({ apiVersion, kind, namespace, name });
}

/** @param owner of a dependent. */
function store(
  resources: MemoryResources,
  { manifest, observed: { status, generation } }: Observed,
  delegation: DelegationSettings | undefined,
  owner?: Resource,
): void {
  const fresh = newResource(manifest);
  const existing: Resource = {
    ...fresh,
    metadata: { ...fresh.metadata, generation: generation ?? Number(status?.observedGeneration ?? 1) },
    ...(status && { status }),
  };
  const statuses = new Map(status ? [[delegation?.fieldManager ?? '', status]] : []);
  resources.restore({ resource: owner ? ownedResource(existing, owner) : existing, statuses });
}

/** Finds the base to which a dependent belongs: the one whose status lists it, or the only one in its namespace. */
function findOwner({ key }: Observed, bases: readonly Resource[]): Resource {
  const dependent = parseKey(key);
  const near = bases.filter(({ metadata }) => metadata.namespace === dependent.namespace);
  const listing = near.filter((base) => isListed({ key }, base));
  const [owner, ...others] = listing.length > 0 ? listing : near;
  if (owner && others.length === 0) return owner;
  const advice = 'add the observed base, whose status lists its dependents';
  const message = `it is not known to which base the observed ${describeReference(dependent)} belongs; ${advice}`;
  throw new KplugError('InvalidManifest', message);
}

/** Reports whether the status of a base lists a resource as a dependent. */
function isListed({ key }: Pick<Observed, 'key'>, base: Resource): boolean {
  return readInventory(base).some((entry) => entry.key === key);
}

function unrelated({ key }: Observed): KplugError {
  const subject = `the observed ${describeKey(key)} is not among the manifests, and of no kind that the delegation permits`;
  const advice = 'leave it out, or add its kind to dependents.kinds or requirements.kinds of the delegation';
  return new KplugError('InvalidManifest', `${subject}; ${advice}`);
}
