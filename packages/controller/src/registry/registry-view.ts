import type { Instance, InstanceChange } from './instance.ts';
import type { Registry } from './registry.ts';

/** Read-only view of the plugins known now. */
export interface RegistryView {
  /** Number of instances. */
  readonly size: number;
  /** All instances. */
  instances(): Iterable<Instance>;
  /** Returns an instance by its id, or `undefined`. */
  get(instanceId: string): Instance | undefined;
  /** Calls `listener`, which must not throw, after each change, in order. Returns a function that unsubscribes. */
  subscribe(listener: (change: InstanceChange) => void): () => void;
}

/** Returns a view of a registry through which it can't be changed. */
export function viewOf(registry: Registry): RegistryView {
  return Object.freeze<RegistryView>({
    get size() {
      return registry.size;
    },
    instances: () => [...registry.instances()],
    get: (instanceId) => registry.get(instanceId),
    subscribe: (listener) =>
      registry.subscribe(({ instance, from, registrationChanged }) =>
        listener({ instance, from, registrationChanged }),
      ),
  });
}
