import type { ResourceListener, Resources } from '../../resources/port.ts';
import { formatKey, keyOf, type Resource, type ResourceKey, type ResourceKind } from '../../resources/resource.ts';

/** Dependencies of followed kinds. */
export interface FollowedKindsOptions {
  resources: Pick<Resources, 'follow'>;
  /** Receives each change of a resource of a followed kind, once its existing resources are known. */
  onChange: ResourceListener;
  /** Called when the problem of a followed kind begins, changes or ends. */
  onProblem: (kind: ResourceKind) => void;
  /** Counts the pass over a base to a lane, as it waits for the resources of a kind to be read. */
  enter: (base: ResourceKey, lane: string) => void;
}

/** Kinds of resources that bases use, each followed from its first use on. */
export class FollowedKinds {
  readonly #options: FollowedKindsOptions;
  /** Kinds whose existing resources are being read. */
  readonly #pending = new Set<string>();
  readonly #followed = new Map<string, Promise<void>>();
  readonly #stopping = new AbortController();

  constructor(options: FollowedKindsOptions) {
    this.#options = options;
  }

  /** Follows kinds that a base uses. Fulfilled when their existing resources are known, or can't be read for now. */
  async follow(base: Resource, kinds: Iterable<ResourceKind>): Promise<void> {
    for (const { apiVersion, kind } of kinds) {
      const followed = this.#followKind({ apiVersion, kind });
      if (this.#pending.has(idOf({ apiVersion, kind }))) {
        this.#options.enter(keyOf(base), laneFor({ apiVersion, kind }));
      }
      await followed;
    }
  }

  /** Returns the lane of a base that uses some kinds, if the resources of one of them are being read. */
  pendingLane(kindsOf: () => Iterable<ResourceKind>): string | undefined {
    if (this.#pending.size === 0) return undefined;
    const pending = [...kindsOf()].find((kind) => this.#pending.has(idOf(kind)));
    return pending && laneFor(pending);
  }

  /** Stops following. */
  stop(): void {
    this.#stopping.abort();
  }

  #followKind(kind: ResourceKind): Promise<void> {
    const id = idOf(kind);
    const known = this.#followed.get(id);
    if (known) return known;
    const { resources, onChange: receive, onProblem: report } = this.#options;
    let isFollowed = false;
    const onChange: ResourceListener = (change) => {
      // Passes that wait for this kind see the existing resources.
      if (isFollowed) receive(change);
    };
    const onProblem = () => {
      if (isFollowed) report(kind);
    };
    this.#pending.add(id);
    const following = resources
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
}

function idOf({ apiVersion, kind }: ResourceKind): string {
  return formatKey({ apiVersion, kind, namespace: '', name: '' });
}

function laneFor(kind: ResourceKind): string {
  return `read ${idOf(kind)}`;
}
