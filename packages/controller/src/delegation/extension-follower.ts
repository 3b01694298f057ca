import type { ResourceListener, Resources } from '../resources/port.ts';
import {
  formatKey,
  keyOf,
  parseKey,
  type Resource,
  type ResourceKey,
  type ResourceKind,
} from '../resources/resource.ts';
import type { DelegationSettings } from './declaration.ts';
import { type ExtensionReferences, readReferences } from './gather.ts';
import { ReferenceIndex } from './reference-index.ts';
import { isSubstantial } from './substantial.ts';

/** Follows the kinds of extensions that bases point to, each from the first time that one does. */
export class ExtensionFollower {
  readonly #settings: DelegationSettings;
  readonly #resources: Resources;
  readonly #requeue: (base: ResourceKey, overwritten: boolean) => void;
  readonly #index = new ReferenceIndex();
  readonly #followed = new Map<string, Promise<void>>();
  readonly #stopping = new AbortController();

  /** @param requeue told of each base of which an extension changed, and whether by somebody who overwrote its status. */
  constructor(
    settings: DelegationSettings,
    resources: Resources,
    requeue: (base: ResourceKey, overwritten: boolean) => void,
  ) {
    this.#settings = settings;
    this.#resources = resources;
    this.#requeue = requeue;
  }

  /** Reads what a base points to, and sees to it that those kinds are followed. */
  async follow(base: Resource): Promise<ExtensionReferences> {
    const read = readReferences(base, this.#settings);
    this.#index.set(keyOf(base), read.references.keys());
    for (const { apiVersion, kind } of read.references.values()) {
      const followed = this.#followKind({ apiVersion, kind });
      if (followed) await followed;
    }
    return read;
  }

  /** Forgets a base that is gone. */
  forget(base: ResourceKey): void {
    this.#index.delete(base);
  }

  /** Follows nothing any more. */
  stop(): void {
    this.#stopping.abort();
  }

  #followKind(kind: ResourceKind): Promise<void> | undefined {
    const id = formatKey({ ...kind, namespace: '', name: '' });
    const known = this.#followed.get(id);
    if (known) return known;
    let isFollowed = false;
    const onChange: ResourceListener = (change) => {
      // What is there at first is seen by the passes that wait for it.
      if (!isFollowed) return;
      const overwritten = !isSubstantial(change);
      if (overwritten && !change.overwritten) return;
      for (const base of this.#index.basesOf(keyOf(change.resource))) this.#requeue(base, overwritten);
    };
    const onProblem = () => {
      if (isFollowed) this.#requeueMissing(kind);
    };
    const following = this.#resources
      .follow(kind, onChange, { onProblem, signal: this.#stopping.signal })
      .then(() => {
        isFollowed = true;
      })
      .catch((error: unknown) => {
        this.#followed.delete(id);
        throw error;
      });
    this.#followed.set(id, following);
    return following;
  }

  /** Bases say why an extension isn't there. */
  #requeueMissing({ apiVersion, kind }: ResourceKind): void {
    for (const key of this.#index.extensions()) {
      const reference = parseKey(key);
      if (reference.kind !== kind || reference.apiVersion !== apiVersion || this.#resources.get(key)) continue;
      for (const base of this.#index.basesOf(key)) this.#requeue(base, false);
    }
  }
}
