import { formatKey, type Resource, type ResourceKind } from '@kplug/controller';
import { MemoryResources } from '@kplug/controller/memory';
import { ClusterView } from './cluster-view.ts';
import { options, tables, views } from './kinds.ts';
import type { Stage } from './stage.ts';
import { WriteFaults } from './write-faults.ts';

const kinds: readonly ResourceKind[] = [tables, options, views];

/** Cluster: the stored resources, and what each controller sees of them. */
export class Cluster {
  readonly store = new MemoryResources();
  readonly faults = new WriteFaults();
  readonly #views = new Set<ClusterView>();

  constructor() {
    for (const kind of kinds) {
      void this.store.follow(kind, ({ resource, gone }) => {
        for (const view of this.#views) view.push(resource, gone);
      });
    }
  }

  /** Opens the resources for a controller. */
  open(controller: string, stage: Stage): ClusterView {
    const view: ClusterView = new ClusterView({
      controller,
      stage,
      store: this.store,
      faults: this.faults,
      onClosed: () => this.#views.delete(view),
    });
    this.#views.add(view);
    return view;
  }

  /** Breaks the watches of a kind: their events are lost. */
  breakWatches(kind: ResourceKind): void {
    for (const view of this.#views) view.watch(kind)?.break();
  }

  /** Restores all broken watches. */
  restoreWatches(): void {
    for (const view of this.#views) for (const kind of kinds) void view.watch(kind)?.restore();
  }

  /** Delivers the last event of each watch once more. */
  repeatEvents(): void {
    for (const view of this.#views) for (const kind of kinds) view.watch(kind)?.repeat();
  }

  tables(): Resource[] {
    return this.store.list(tables);
  }

  /** Describes a difference between the store and what a controller sees of it; `undefined` when there is none. */
  differenceFrom(view: ClusterView): string | undefined {
    for (const kind of kinds) {
      for (const resource of this.store.list(kind)) {
        const { name, namespace = '', resourceVersion } = resource.metadata;
        const seen = view.get(formatKey({ ...kind, name, namespace }));
        if (view.watch(kind) && seen?.metadata.resourceVersion !== resourceVersion) return `${kind.kind}/${name}`;
      }
    }
    return undefined;
  }
}
