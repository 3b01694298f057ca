import { KplugError } from '../../errors.ts';
import type { ExpressionResult } from '../../expressions/expression.ts';
import { assessReadiness } from '../../readiness/assess-readiness.ts';
import { failed, progressing, type Readiness, ready } from '../../readiness/readiness.ts';
import type { OwnedWriteOptions } from '../../resources/port.ts';
import type { Resource, ResourceKey } from '../../resources/resource.ts';
import { isSubstantial } from '../classify-change.ts';
import type { PassResources } from '../passes/observed-writes.ts';
import type { Claim } from './claims.ts';
import type { DependentWrites } from './dependent-follower.ts';
import { findOwned } from './find-owned.ts';
import { type DependentReason, reasonOf } from './inventory.ts';
import { nameOf } from './read-rules.ts';

/** State of a dependent after a pass. */
export interface DependentState {
  claim: Claim;
  reason: Exclude<DependentReason, 'Deleting'>;
  /** Empty if it is ready. */
  message: string;
  /** True if dependents that require it may be applied. */
  isPassable: boolean;
  /** Dependent as it is, if it was applied. */
  resource?: Resource | undefined;
  /** True if it was created or changed. */
  isWritten?: boolean;
}

/** Dependent that its plugin has not seen as it is. */
export interface Unseen {
  claim: Claim;
  /** True if the next call brings it. Otherwise the cache has yet to receive it, and its change leads to that call. */
  isKnown: boolean;
}

/** Result of applying a dependent. */
type Applied = Readiness & Pick<DependentState, 'resource' | 'isWritten'>;

/** Errors that are reported for their dependent. Others end the pass. */
const reportedErrors: ReadonlySet<string> = new Set(['Conflict', 'StorageFailed', 'InvalidResponse', 'Immutable']);

/** One run over the dependents of a base: applies each one whose requirements are ready. */
export class Workflow {
  readonly #resources: PassResources;
  readonly #options: OwnedWriteOptions;
  readonly #writes: DependentWrites;
  /** States of the wanted dependents, in the order in which they are applied. */
  readonly states = new Map<ResourceKey, DependentState>();
  /** Dependents that their condition, or that of one that they require, excludes. */
  readonly excluded = new Set<ResourceKey>();
  /** Reasons why it isn't known whether dependents are excluded. */
  readonly #faults = new Map<ResourceKey, string>();
  /** Dependents that could not be applied as they have another owner, or none. */
  readonly taken: ResourceKey[] = [];
  /** Error of the first dependent that could not be applied. */
  error: KplugError | undefined;

  constructor(resources: PassResources, options: OwnedWriteOptions, writes: DependentWrites) {
    this.#resources = resources;
    this.#options = options;
    this.#writes = writes;
  }

  /** True if every wanted dependent was applied, whether it is ready or not. */
  get isApplied(): boolean {
    return !this.error && [...this.states.values()].every(({ reason }) => reason !== 'Waiting');
  }

  /** Leaves out the dependents that their condition, or that of one that they require, excludes. */
  include(claims: readonly Claim[]): Claim[] {
    return claims.filter(({ key, rules }) => {
      const self = rules.policy === 'Observe' ? this.#resources.get(key) : this.#owned(key);
      const { value, fault } = this.#evaluate(rules.includeWhen, self);
      if (fault !== undefined) this.#faults.set(key, `its include_when has no value: ${fault}`);
      const isExcluded = fault === undefined && !value;
      if (isExcluded || rules.requires.some((required) => this.excluded.has(required))) this.excluded.add(key);
      return !this.excluded.has(key);
    });
  }

  /** Applies included dependents, in their order. Rejects with errors that concern more than a dependent. */
  async run(claims: readonly Claim[]): Promise<void> {
    for (const claim of claims) {
      const state = await this.#visit(claim);
      this.states.set(claim.key, { claim, isPassable: state.reason === 'Ready', ...state });
    }
  }

  /**
   * Returns the dependents that are ready, and that their plugin has not seen as they are: they were created, changed or became ready after
   * it was called.
   *
   * @param seenBy returns a dependent as its plugin saw it.
   */
  findUnseen(seenBy: (claim: Claim) => Resource | undefined): Unseen[] {
    return [...this.states.values()].flatMap(({ claim, reason, resource, isWritten }) => {
      if (reason !== 'Ready' || !resource) return [];
      const seen = seenBy(claim);
      if (seen?.metadata.resourceVersion === resource.metadata.resourceVersion) return [];
      const isChanged = isWritten || isSubstantial({ resource, ...(seen && { previous: seen }), gone: false });
      const isSeen = seen && !isChanged && this.#assess(claim, seen).state === 'ready';
      const isKnown = this.#resources.get(claim.key)?.metadata.resourceVersion === resource.metadata.resourceVersion;
      return isSeen ? [] : [{ claim, isKnown }];
    });
  }

  async #visit(claim: Claim): Promise<Omit<DependentState, 'claim' | 'isPassable'>> {
    const { key, rules } = claim;
    const fault = this.#faults.get(key);
    if (fault !== undefined) return { reason: 'Failed', message: fault };
    const blocking = rules.requires.filter((required) => !this.states.get(required)?.isPassable);
    if (blocking.length > 0) return { reason: 'Waiting', message: `waits for ${blocking.map(nameOf).join(', ')}` };
    // While the storage fails, further writes would only take long.
    if (this.error?.code === 'StorageFailed') return { reason: 'Waiting', message: 'waits until writes succeed' };
    const { state, message, isPassable, resource, isWritten = false } = await this.#apply(claim);
    return { reason: reasonOf[state], message, resource, isWritten, ...(isPassable && { isPassable }) };
  }

  async #apply(claim: Claim): Promise<Applied> {
    const { key, content, rules } = claim;
    if (rules.policy === 'Observe') return this.#observe(claim);
    try {
      const options = { ...this.#options, createOnly: rules.policy === 'CreateOnly', adopt: rules.retain };
      const { result, resource } = await this.#resources.applyOwned(key, content, options);
      const isWritten = result === 'written';
      if (isWritten) this.#writes.add(key);
      if (!resource) return progressing('the resource is gone');
      return { ...this.#assess(claim, resource), resource, isWritten };
    } catch (error) {
      if (!(error instanceof KplugError) || !reportedErrors.has(error.code)) throw error;
      if (error.code === 'Immutable' && rules.policy === 'Recreate') return this.#recreate(claim);
      if (error.code === 'Conflict') this.taken.push(key);
      this.error ??= error;
      return failed(error.message);
    }
  }

  /** Reads a dependent of another client. */
  #observe(claim: Claim): Applied {
    const resource = this.#resources.get(claim.key);
    return resource ? { ...this.#assess(claim, resource), resource } : progressing('it does not exist');
  }

  #owned(key: ResourceKey): Resource | undefined {
    return findOwned(this.#resources, key, this.#options.owner);
  }

  /** Deletes a dependent. A later pass creates it again, when it is gone. */
  async #recreate({ key }: Claim): Promise<Readiness> {
    await this.#resources.removeOwned(key, this.#options);
    this.#writes.waitFor(key);
    return progressing('it is deleted to be created again, as a field that changes is immutable');
  }

  #assess({ rules }: Claim, resource: Resource): Readiness {
    if (!rules.readyWhen || resource.metadata.deletionTimestamp) return assessReadiness(resource);
    const { value, fault } = this.#evaluate(rules.readyWhen, resource);
    if (fault !== undefined) return progressing(`its ready_when has no value: ${fault}`);
    return value ? ready : progressing('its ready_when is false');
  }

  #evaluate(expression: Claim['rules']['readyWhen'], self: Resource | undefined): ExpressionResult {
    return expression ? expression.evaluate({ self, base: this.#options.owner }) : { value: true };
  }
}
