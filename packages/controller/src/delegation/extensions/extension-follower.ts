import type { Walks } from '../../queue/walks.ts';
import type { ResourceListener, Resources } from '../../resources/port.ts';
import {
  formatKey,
  isSameKind,
  keyOf,
  parseKey,
  type Resource,
  type ResourceKey,
  type ResourceKind,
} from '../../resources/resource.ts';
import { isSubstantial } from '../classify-change.ts';
import type { DelegationSettings } from '../delegation-settings.ts';
import { type ExtensionReferences, readReferences } from './gather.ts';
import { ReferenceIndex } from './reference-index.ts';

/** Follows the kinds of extensions that bases reference, each from the first reference on. */
export class ExtensionFollower {
  readonly #settings: DelegationSettings;
  readonly #resources: Resources;
  readonly #walks: Walks;
  readonly #requeue: (base: ResourceKey, overwritten: boolean) => void;
  readonly #enter: (base: ResourceKey, lane: string) => void;
  /** Kinds whose existing resources are being read. */
  readonly #pending = new Set<string>();
  readonly #index = new ReferenceIndex();
  readonly #followed = new Map<string, Promise<void>>();
  readonly #stopping = new AbortController();

  /**
   * @param walks walks over the bases of an extension. Their owner stops them.
   * @param requeue called for each base with a changed extension. `overwritten`: another client changed only status fields
   *   that the controller manages.
   * @param enter counts the pass over a base to a lane, as it waits for the resources of a kind to be read.
   */
  constructor(
    settings: DelegationSettings,
    resources: Resources,
    walks: Walks,
    requeue: (base: ResourceKey, overwritten: boolean) => void,
    enter: (base: ResourceKey, lane: string) => void,
  ) {
    this.#settings = settings;
    this.#resources = resources;
    this.#walks = walks;
    this.#requeue = requeue;
    this.#enter = enter;
  }

  /** Reads the references of a base, and follows their kinds. */
  async follow(base: Resource): Promise<ExtensionReferences> {
    const read = readReferences(base, this.#settings);
    this.#index.set(keyOf(base), read.references.keys());
    for (const { apiVersion, kind } of read.references.values()) {
      const followed = this.#followKind({ apiVersion, kind });
      if (this.#pending.has(idOf({ apiVersion, kind }))) this.#enter(keyOf(base), laneFor({ apiVersion, kind }));
      if (followed) await followed;
    }
    return read;
  }

  /** Returns the lane of a base that references a kind whose resources are being read; `undefined` for any other. */
  pendingLane(base: Resource): string | undefined {
    if (this.#pending.size === 0) return undefined;
    const { references } = readReferences(base, this.#settings);
    const pending = [...references.values()].find((reference) => this.#pending.has(idOf(reference)));
    return pending && laneFor(pending);
  }

  /** Removes a base that is gone. */
  forget(base: ResourceKey): void {
    this.#index.delete(base);
  }

  /** Stops following. */
  stop(): void {
    this.#stopping.abort();
  }

  #followKind(kind: ResourceKind): Promise<void> | undefined {
    const id = idOf(kind);
    const known = this.#followed.get(id);
    if (known) return known;
    let isFollowed = false;
    const onChange: ResourceListener = (change) => {
      // Passes that wait for this kind see the existing resources.
      if (!isFollowed) return;
      const overwritten = !isSubstantial(change);
      if (overwritten && !change.overwritten) return;
      this.#requeueBasesOf(keyOf(change.resource), overwritten);
    };
    const onProblem = () => {
      if (isFollowed) this.#requeueMissing(kind);
    };
    this.#pending.add(id);
    const following = this.#resources
      .follow(kind, onChange, { onProblem, signal: this.#stopping.signal })
      .then(() => {
        isFollowed = true;
      })
      .catch((error: unknown) => {
        this.#followed.delete(id);
        throw error;
      })
      .finally(() => this.#pending.delete(id));
    this.#followed.set(id, following);
    return following;
  }

  /** Requeues bases with missing extensions, so that their statuses state the current reason. */
  #requeueMissing(kind: ResourceKind): void {
    const requeue = (key: ResourceKey) => {
      if (isSameKind(parseKey(key), kind) && !this.#resources.get(key)) this.#requeueBasesOf(key, false);
    };
    this.#walks.visitAll([...this.#index.extensions()], requeue);
  }

  #requeueBasesOf(extension: ResourceKey, overwritten: boolean): void {
    // A copy, as each pass updates the index.
    const bases = [...this.#index.basesOf(extension)];
    this.#walks.visitAll(bases, (base) => this.#requeue(base, overwritten));
  }
}

function idOf({ apiVersion, kind }: ResourceKind): string {
  return formatKey({ apiVersion, kind, namespace: '', name: '' });
}

function laneFor(kind: ResourceKind): string {
  return `read ${idOf(kind)}`;
}
