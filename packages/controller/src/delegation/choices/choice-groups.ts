import type { VersionedName } from '../../names.ts';
import { keyOf, type Resource, type ResourceKey } from '../../resources/resource.ts';
import type { Choice } from './choose.ts';

/** Resources that get the same choice. */
export interface ChoiceGroup {
  readonly basis: string;
  /** One of the resources, for which the choice of all is made. */
  readonly sample: Resource;
  readonly cohorts: Map<string, Cohort>;
  /** The latest choice, and the epoch in which it was made. */
  decision: { readonly choice: Choice; readonly epoch: number } | undefined;
}

/** Resources of a group whose last passes had equal choices. */
export interface Cohort {
  readonly group: ChoiceGroup;
  readonly id: string;
  readonly last: LastChoice;
  readonly members: Set<ResourceKey>;
}

/** Choice of a pass. */
export interface LastChoice {
  readonly chosen: readonly VersionedName[];
  /** Message of the status while no plugin is chosen. */
  readonly waitingMessage?: string;
}

/** Options of choice groups. */
export interface ChoiceGroupsOptions {
  /** Returns what the choice for a resource depends on: resources with equal bases get the same choice. */
  basisOf: (base: Resource) => string;
  /** Chooses for a resource. */
  choose: (base: Resource) => Choice;
}

/** Groups resources by what their choice depends on, so that one decision serves any number of resources. */
export class ChoiceGroups {
  readonly #options: ChoiceGroupsOptions;
  readonly #groups = new Map<string, ChoiceGroup>();
  readonly #cohorts = new Map<ResourceKey, Cohort>();
  /** Grows whenever other choices may be made. */
  #epoch = 0;

  constructor(options: ChoiceGroupsOptions) {
    this.#options = options;
  }

  /** All groups. */
  get all(): Iterable<ChoiceGroup> {
    return this.#groups.values();
  }

  /** Returns the cohort of a resource, if it has one. */
  cohortOf(key: ResourceKey): Cohort | undefined {
    return this.#cohorts.get(key);
  }

  /** Adds a resource with the choice of its last pass, or moves it. */
  set(base: Resource, last: LastChoice): Cohort {
    const key = keyOf(base);
    const group = this.#groupOf(base);
    const id = idOf(last);
    const former = this.#cohorts.get(key);
    if (former?.group === group && former.id === id) return former;
    this.delete(key);
    // It may have been the last one of its group.
    this.#groups.set(group.basis, group);
    let cohort = group.cohorts.get(id);
    if (!cohort) {
      cohort = { group, id, last, members: new Set() };
      group.cohorts.set(id, cohort);
    }
    cohort.members.add(key);
    this.#cohorts.set(key, cohort);
    return cohort;
  }

  /** Moves a resource that changed to the group that it belongs to now. */
  update(base: Resource): void {
    const cohort = this.#cohorts.get(keyOf(base));
    if (cohort) this.set(base, cohort.last);
  }

  /** Removes a resource. */
  delete(key: ResourceKey): void {
    const cohort = this.#cohorts.get(key);
    if (!cohort) return;
    const { group, id, members } = cohort;
    this.#cohorts.delete(key);
    members.delete(key);
    if (members.size === 0) group.cohorts.delete(id);
    if (group.cohorts.size === 0) this.#groups.delete(group.basis);
  }

  /** Returns the choice of a group, which is made once until `invalidate` is called. */
  choiceOf(group: ChoiceGroup): Choice {
    if (group.decision?.epoch !== this.#epoch) {
      group.decision = { choice: this.#options.choose(group.sample), epoch: this.#epoch };
    }
    return group.decision.choice;
  }

  /** Discards the choices of all groups, as other ones may be made now. */
  invalidate(): void {
    this.#epoch++;
  }

  #groupOf(base: Resource): ChoiceGroup {
    const basis = this.#options.basisOf(base);
    const known = this.#groups.get(basis);
    if (known) return known;
    const group = { basis, sample: base, cohorts: new Map(), decision: undefined };
    this.#groups.set(basis, group);
    return group;
  }
}

function idOf({ chosen, waitingMessage = '' }: LastChoice): string {
  return `${chosen.map(({ plugin, version }) => `${plugin.key} ${version}`).join(',')}|${waitingMessage}`;
}
