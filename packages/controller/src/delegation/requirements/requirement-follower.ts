import { formatJson } from '@kplug/protocol';
import type { PluginAnswer, RequiredResources, ResourceRequirement } from '../../clients/plugin-call.ts';
import { KplugError } from '../../errors.ts';
import { limits } from '../../limits/limits.ts';
import { formatPlugin, type VersionedName } from '../../names.ts';
import type { Walks } from '../../queue/walks.ts';
import type { ResourceChange, Resources } from '../../resources/port.ts';
import {
  formatKey,
  isOwnedBy,
  keyOf,
  type Resource,
  type ResourceKey,
  type ResourceKind,
} from '../../resources/resource.ts';
import type { DelegationSettings } from '../delegation-settings.ts';
import { requirementsOf } from '../dependents/observed.ts';
import { FollowedKinds } from '../extensions/followed-kinds.ts';
import { ReferenceIndex } from '../extensions/reference-index.ts';
import { checkPermitted, checkScopes, inScope } from './check-requirements.ts';
import { KnownRequirements, type PluginRequirements } from './known-requirements.ts';
import { LabelledResources } from './labelled-resources.ts';
import {
  type Difference,
  describeRequirement,
  findDifferences,
  kindReference,
  referenceOf,
  referencesTo,
  selects,
} from './requirement.ts';

const { maxRequiredResources, maxRequiredSize } = limits.delegation;

/** Dependencies of a requirement follower. */
export interface RequirementFollowerOptions {
  settings: Pick<DelegationSettings, 'requirements'>;
  resources: Resources;
  /** Walks over the bases that require a resource. Their owner stops them. */
  walks: Walks;
  /** Called for each base with a required resource that appeared, changed or is gone. */
  requeue: (base: ResourceKey) => void;
  /** Counts the pass over a base to a lane, as it waits for the resources of a kind to be read. */
  enter: (base: ResourceKey, lane: string) => void;
}

/** Follows the further resources that plugins require for bases. */
export class RequirementFollower {
  readonly #options: RequirementFollowerOptions;
  readonly #known = new KnownRequirements();
  readonly #index = new ReferenceIndex();
  readonly #labelled: LabelledResources;
  readonly #kinds: FollowedKinds;
  /** Bases that require resources of a kind that can't be read, or doesn't exist. */
  readonly #unsettled = new Set<ResourceKey>();

  constructor(options: RequirementFollowerOptions) {
    this.#options = options;
    const { resources, walks, enter } = options;
    this.#labelled = new LabelledResources(resources, walks.signal);
    this.#kinds = new FollowedKinds({
      resources,
      onChange: (change) => this.#onChange(change),
      onProblem: (kind) => this.#onProblem(kind),
      enter,
    });
  }

  /** Returns the requirements of all plugins for a base. */
  requirementsOf(base: Resource): readonly PluginRequirements[] {
    return this.#known.all(base);
  }

  /**
   * Finds the resources that a plugin required by its last answer for a base. Throws `StorageFailed` if they can't be read, and
   * `RequirementsTooLarge`.
   */
  find(base: Resource, plugin: VersionedName): RequiredResources {
    this.#settle(base);
    let size = 0;
    const found = new Map<string, readonly Resource[]>();
    for (const [name, requirement] of this.#known.of(base, plugin)) {
      const resources = this.select(base, plugin, requirement);
      for (const one of resources) {
        size += sizeOf(one);
        if (size > maxRequiredSize) throw tooLarge(plugin);
      }
      found.set(name, resources);
    }
    return found;
  }

  /** Finds the resources that one requirement selects, in the order of their keys. Throws as `find` does. */
  select(base: Resource, plugin: VersionedName, requirement: ResourceRequirement): readonly Resource[] {
    const { resources } = this.#options;
    const scoped = inScope(requirement, resources);
    const found = this.#select(base, scoped);
    const problem = resources.problem(scoped);
    const isCertain = !problem || problem.reason === 'KindNotFound' || (scoped.name !== '' && found.length > 0);
    const subject = describeRequirement(scoped);
    if (!isCertain) {
      const message = `${formatPlugin(plugin)} requires ${subject}, which can't be read: ${problem?.message}`;
      throw new KplugError('StorageFailed', message);
    }
    if (found.length <= maxRequiredResources) return found;
    const message = `${formatPlugin(plugin)} requires ${subject}, which selects ${found.length} resources; at most ${maxRequiredResources} are allowed`;
    throw new KplugError('RequirementsTooLarge', message);
  }

  /**
   * Records what a plugin requires by an answer, and follows it. Returns the differences from what its call brought. Throws
   * `RequirementForbidden`, or `InvalidResponse`.
   *
   * A failure that states no requirements leaves them as they are, and so does the success of a finalization.
   */
  async answered(
    base: Resource,
    plugin: VersionedName,
    answer: PluginAnswer,
    isFinalizing: boolean,
  ): Promise<readonly Difference[]> {
    const { outcome, progress } = answer;
    const isFinalized = isFinalizing && outcome === 'success';
    const isFailure = outcome !== 'success' && !progress;
    const isSilent = !answer.requirements?.size && !answer.dependents;
    if (isFinalized || (isSilent && (isFinalizing || isFailure))) return [];
    const requested = requirementsOf(answer, this.#known.of(base, plugin));
    const { settings, resources } = this.#options;
    const next = checkPermitted(requested, base, plugin, settings);
    await this.#kinds.follow(base, next.values());
    checkScopes(requested, next, base, plugin, resources);
    const differences = findDifferences(this.#known.of(base, plugin), next);
    if (differences.length === 0) return differences;
    this.#known.set(base, plugin, next);
    this.#settle(base);
    await this.#labelled.prepare([...next.values()].map((one) => inScope(one, resources)));
    return differences;
  }

  /** Removes the requirements of a plugin that no longer works on a base. */
  remove(base: Resource, plugin: VersionedName): void {
    this.#known.set(base, plugin, new Map());
    this.#settle(base);
  }

  /** Forgets a base that is gone. */
  forget(base: ResourceKey): void {
    this.#known.forget(base);
    this.#labelled.forget(this.#index.delete(base));
    this.#unsettled.delete(base);
  }

  /** Stops following. */
  stop(): void {
    this.#kinds.stop();
  }

  /** Indexes a base by what plugins require for it. The scope of a kind may have become known since. */
  #settle(base: Resource): void {
    const { resources } = this.#options;
    const key = keyOf(base);
    const required = this.#requiredBy(base);
    const references = required.flatMap((one) => [kindReference(one), referenceOf(one)]);
    this.#labelled.forget(this.#index.set(key, [...new Set(references)].sort()));
    if (required.some((one) => resources.problem(one))) this.#unsettled.add(key);
    else this.#unsettled.delete(key);
  }

  #requiredBy(base: Resource): ResourceRequirement[] {
    const { resources } = this.#options;
    return this.#known
      .all(base)
      .flatMap(({ requirements }) => [...requirements.values()].map((one) => inScope(one, resources)));
  }

  #select(base: Resource, requirement: ResourceRequirement): Resource[] {
    const { resources } = this.#options;
    if (requirement.name) {
      const one = resources.get(formatKey(requirement));
      return one ? [one] : [];
    }
    const keys = this.#labelled.find(requirement);
    const own = keyOf(base);
    const found = [...keys].sort().flatMap((key) => (key === own ? [] : (resources.get(key) ?? [])));
    return found.filter((one) => selects(requirement, one));
  }

  #onChange(change: ResourceChange): void {
    this.#labelled.changed(change);
    const { resource, previous } = change;
    const states = previous ? [resource, previous] : [resource];
    const bases = new Set(states.flatMap(referencesTo).flatMap((one) => [...this.#index.basesOf(one)]));
    bases.delete(keyOf(resource));
    this.#options.walks.visitAll(bases, (key) => {
      const base = this.#options.resources.get(key);
      // Changes of dependents are followed anyway, apart from those that the pass itself makes.
      if (!base || isOwnedBy(resource, base.metadata)) return;
      const isRequired = this.#requiredBy(base).some((one) => states.some((state) => selects(one, state)));
      if (isRequired) this.#options.requeue(key);
    });
  }

  #onProblem(kind: ResourceKind): void {
    const bases = [...this.#index.basesOf(kindReference(kind))].filter((key) => this.#unsettled.has(key));
    this.#options.walks.visitAll(bases, (key) => this.#options.requeue(key));
  }
}

function tooLarge(plugin: VersionedName): KplugError {
  const limit = maxRequiredSize.toLocaleString('en');
  const message = `the resources that ${formatPlugin(plugin)} requires have more than ${limit} bytes together; require fewer or smaller ones`;
  return new KplugError('RequirementsTooLarge', message);
}

/** Sizes of resources, which are immutable. */
const sizes = new WeakMap<Resource, number>();

/** Returns the size of a resource as JSON, in bytes. */
function sizeOf(resource: Resource): number {
  const known = sizes.get(resource);
  if (known !== undefined) return known;
  const size = Buffer.byteLength(formatJson(resource));
  sizes.set(resource, size);
  return size;
}
