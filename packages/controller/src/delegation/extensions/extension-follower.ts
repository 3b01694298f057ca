import type { Walks } from '../../queue/walks.ts';
import type { Resources } from '../../resources/port.ts';
import {
  isSameKind,
  keyOf,
  parseKey,
  type Resource,
  type ResourceKey,
  type ResourceKind,
} from '../../resources/resource.ts';
import { isSubstantial } from '../classify-change.ts';
import type { DelegationSettings } from '../delegation-settings.ts';
import { FollowedKinds } from './followed-kinds.ts';
import { type ExtensionReferences, readReferences } from './gather.ts';
import { ReferenceIndex } from './reference-index.ts';

/** Follows the kinds of extensions that bases reference, each from the first reference on. */
export class ExtensionFollower {
  readonly #settings: DelegationSettings;
  readonly #resources: Resources;
  readonly #walks: Walks;
  readonly #requeue: (base: ResourceKey, overwritten: boolean) => void;
  readonly #index = new ReferenceIndex();
  readonly #kinds: FollowedKinds;

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
    this.#kinds = new FollowedKinds({
      resources,
      onChange: (change) => {
        const overwritten = !isSubstantial(change);
        if (overwritten && !change.overwritten) return;
        this.#requeueBasesOf(keyOf(change.resource), overwritten);
      },
      onProblem: (kind) => this.#requeueMissing(kind),
      enter,
    });
  }

  /** Reads the references of a base, and follows their kinds. */
  async follow(base: Resource): Promise<ExtensionReferences> {
    const read = readReferences(base, this.#settings);
    this.#index.set(keyOf(base), read.references.keys());
    await this.#kinds.follow(base, read.references.values());
    return read;
  }

  /** Returns the lane of a base that references a kind whose resources are being read; `undefined` for any other. */
  pendingLane(base: Resource): string | undefined {
    return this.#kinds.pendingLane(() => readReferences(base, this.#settings).references.values());
  }

  /** Removes a base that is gone. */
  forget(base: ResourceKey): void {
    this.#index.delete(base);
  }

  /** Stops following. */
  stop(): void {
    this.#kinds.stop();
  }

  /** Requeues bases with missing extensions, so that their statuses state the current reason. */
  #requeueMissing(kind: ResourceKind): void {
    const requeue = (key: ResourceKey) => {
      if (isSameKind(parseKey(key), kind) && !this.#resources.get(key)) this.#requeueBasesOf(key, false);
    };
    this.#walks.visitAll([...this.#index.referenced()], requeue);
  }

  #requeueBasesOf(extension: ResourceKey, overwritten: boolean): void {
    // A copy, as each pass updates the index.
    const bases = [...this.#index.basesOf(extension)];
    this.#walks.visitAll(bases, (base) => this.#requeue(base, overwritten));
  }
}
