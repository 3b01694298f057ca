import { formatKey, type Resource, type Resources } from '@kplug/controller';

const apiVersion = 'myorg.org/v1alpha1';
const kinds = ['DatabaseTable', 'DatabaseTablePostgreSqlExtension'] as const;

/** Fields of a condition that the demo reads. */
export interface Condition {
  type: string;
  status: string;
  reason: string;
  message: string;
  observedGeneration: number;
}

/** Watches the statuses of the tables of the demo. */
export class WatchedTables {
  readonly #resources: Resources;
  readonly #listeners = new Set<(resource: Resource) => void>();

  private constructor(resources: Resources) {
    this.#resources = resources;
  }

  static async follow(resources: Resources): Promise<WatchedTables> {
    const watched = new WatchedTables(resources);
    for (const kind of kinds) {
      await resources.follow({ apiVersion, kind }, ({ resource }) => {
        for (const listener of watched.#listeners) listener(resource);
      });
    }
    return watched;
  }

  /** Subscribes to changes. Returns a function that unsubscribes. */
  onChange(listener: (resource: Resource) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  all(): Resource[] {
    return [...this.#resources.list({ apiVersion, kind: 'DatabaseTable' })];
  }

  get(name: string, kind: (typeof kinds)[number] = 'DatabaseTable'): Resource | undefined {
    return this.#resources.get(formatKey({ apiVersion, kind, namespace: 'default', name }));
  }

  /** Waits until a condition holds for a resource. Rejects after a timeout in milliseconds, with the last status. */
  until(
    name: string,
    holds: (resource: Resource) => boolean,
    kind: (typeof kinds)[number] = 'DatabaseTable',
    timeout = 15_000,
  ): Promise<Resource> {
    const now = this.get(name, kind);
    if (now && holds(now)) return Promise.resolve(now);
    return new Promise((resolve, reject) => {
      const stop = this.onChange((resource) => {
        if (resource.metadata.name !== name || resource.kind !== kind || !holds(resource)) return;
        finish();
        resolve(resource);
      });
      const timer = setTimeout(() => {
        finish();
        const last = this.get(name, kind);
        const status = JSON.stringify(last?.status ?? 'none', undefined, 2);
        reject(new Error(`${kind} ${name} did not reach the expected state within ${timeout} ms; status: ${status}`));
      }, timeout);
      const finish = () => {
        clearTimeout(timer);
        stop();
      };
    });
  }

  /** Waits until a table is ready in its current generation, with an implementation. */
  untilReady(name: string, implementation: string): Promise<Resource> {
    return this.until(name, (resource) => {
      const ready = conditionOf(resource, 'Ready');
      const isCurrent = ready?.observedGeneration === resource.metadata.generation;
      return ready?.status === 'True' && isCurrent && resource.status?.implementation === implementation;
    });
  }
}

/** Finds a condition of a resource. */
export function conditionOf(resource: Resource | undefined, type: string): Condition | undefined {
  const conditions = (resource?.status?.conditions ?? []) as unknown as Condition[];
  return conditions.find((condition) => condition.type === type);
}

/** Name and version of the plugin in the status of a resource. */
export function pluginOf(resource: Resource | undefined): string {
  const plugin = resource?.status?.plugin as { name: string; version: string } | undefined;
  return plugin ? `${plugin.name} ${plugin.version}` : 'none';
}
