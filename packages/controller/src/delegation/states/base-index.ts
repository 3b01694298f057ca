import { parseKey, type ResourceKey } from '../../resources/resource.ts';
import type { BaseState } from './base-state.ts';
import { type Cause, KnownCauses } from './known-causes.ts';
import { StateGroup } from './state-group.ts';

/** Base resource as the index knows it. */
export interface IndexedBase extends BaseState {
  namespace: string;
  /** `undefined` for a resource that is ready. */
  cause: Cause | undefined;
  /** True if its condition `Ready` is, whatever else is known. */
  isReady: boolean;
  isPaused: boolean;
}

/** Base resources of a delegation by state, cause and namespace, kept up to date, so that their numbers are known without a walk. */
export class BaseIndex {
  readonly #causes: KnownCauses;
  readonly #bases = new Map<ResourceKey, IndexedBase>();
  readonly #all = new StateGroup();
  readonly #byNamespace = new Map<string, StateGroup>();
  #ready = 0;
  #paused = 0;
  #revision = 0;
  #membership = 0;
  #namespaceRevision = 0;

  /** @param delegation name of the delegation, so that the ids of causes of several differ. */
  constructor(delegation: string) {
    this.#causes = new KnownCauses(delegation);
  }

  /** Number of resources. */
  get total(): number {
    return this.#bases.size;
  }

  /** Number of resources whose condition `Ready` is true. */
  get ready(): number {
    return this.#ready;
  }

  /** Number of resources with the annotation that pauses them. */
  get paused(): number {
    return this.#paused;
  }

  /** Number of changes. */
  get revision(): number {
    return this.#revision;
  }

  /** Number of times that a resource was added or removed. */
  get membership(): number {
    return this.#membership;
  }

  /** Number of times that a namespace came or went. */
  get namespaceRevision(): number {
    return this.#namespaceRevision;
  }

  /** Resources by namespace; its name is empty for resources without one. */
  get namespaces(): ReadonlyMap<string, StateGroup> {
    return this.#byNamespace;
  }

  get(key: ResourceKey): IndexedBase | undefined {
    return this.#bases.get(key);
  }

  /** Keys of all resources, in no order. */
  keys(): Iterable<ResourceKey> {
    return this.#bases.keys();
  }

  /** Returns the resources of a namespace, or of all; `undefined` if there are none. */
  group(namespace = ''): StateGroup | undefined {
    return namespace === '' ? this.#all : this.#byNamespace.get(namespace);
  }

  /** Returns a cause by its id. */
  causeOf(id: string): Cause | undefined {
    return this.#causes.get(id);
  }

  set(key: ResourceKey, state: BaseState, { isReady, isPaused }: Pick<IndexedBase, 'isReady' | 'isPaused'>): void {
    const former = this.#bases.get(key);
    if (former && isSame(former, state) && former.isReady === isReady && former.isPaused === isPaused) return;
    if (former) this.#remove(key, former);
    else this.#membership++;
    const { namespace } = parseKey(key);
    const cause = state.state === 'ready' ? undefined : this.#causes.take(state);
    const base: IndexedBase = { ...state, namespace, cause, isReady, isPaused };
    this.#bases.set(key, base);
    this.#count(base, 1);
    this.#all.add(key, state.state, cause?.id);
    this.#groupOf(namespace).add(key, state.state, cause?.id);
    this.#revision++;
  }

  delete(key: ResourceKey): void {
    const former = this.#bases.get(key);
    if (!former) return;
    this.#remove(key, former);
    const { namespace } = former;
    if (this.#groupOf(namespace).total === 0 && this.#byNamespace.delete(namespace)) this.#namespaceRevision++;
    this.#bases.delete(key);
    this.#membership++;
    this.#revision++;
  }

  #remove(key: ResourceKey, former: IndexedBase): void {
    const { namespace, state, cause } = former;
    this.#count(former, -1);
    this.#all.remove(key, state, cause?.id);
    this.#groupOf(namespace).remove(key, state, cause?.id);
    if (cause) this.#causes.release(cause.id);
  }

  #count({ isReady, isPaused }: IndexedBase, change: 1 | -1): void {
    this.#ready += isReady ? change : 0;
    this.#paused += isPaused ? change : 0;
  }

  #groupOf(namespace: string): StateGroup {
    const known = this.#byNamespace.get(namespace);
    if (known) return known;
    const group = new StateGroup();
    this.#byNamespace.set(namespace, group);
    this.#namespaceRevision++;
    return group;
  }
}

function isSame(a: BaseState, b: BaseState): boolean {
  return a.state === b.state && a.reason === b.reason && a.message === b.message && a.about === b.about;
}
