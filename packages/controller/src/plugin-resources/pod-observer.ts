import { visitAll } from '../queue/slices.ts';
import type { Instance } from '../registry/instance.ts';
import type { Registry } from '../registry/registry.ts';
import type { Pod, PodSource } from '../resources/cluster-services.ts';

/**
 * Updates the registry from the pods of instances: evicts the instances of pods that have ended, and drains those of pods that are
 * being deleted. A running pod doesn't mean that its plugin is reachable.
 */
export class PodObserver {
  readonly #registry: Registry;
  readonly #pods: PodSource;
  readonly #instances = new Map<string, Set<string>>();
  #unsubscribe: () => void = () => undefined;

  constructor(registry: Registry, pods: PodSource) {
    this.#registry = registry;
    this.#pods = pods;
  }

  /** Starts to follow pods. Fulfilled when the existing ones are known. */
  async start(): Promise<void> {
    this.#unsubscribe = this.#registry.subscribe(({ instance, from }) =>
      this.#onInstance(instance, from === undefined),
    );
    await visitAll(this.#registry.instances(), (instance) => this.#onInstance(instance, true));
    await this.#pods.follow((pod) => this.#onPod(pod));
  }

  stop(): void {
    this.#unsubscribe();
  }

  #onInstance({ registration, state }: Instance, isNew: boolean): void {
    const { pod, instanceId } = registration;
    if (!pod) return;
    const key = keyOf(pod);
    const ofPod = this.#instances.get(key) ?? new Set();
    if (state === 'gone') ofPod.delete(instanceId);
    else ofPod.add(instanceId);
    if (ofPod.size > 0) this.#instances.set(key, ofPod);
    else this.#instances.delete(key);
    // The registry must not be changed from its own listener.
    if (isNew) queueMicrotask(() => this.#check(pod));
  }

  #check({ namespace, name }: { namespace: string; name: string }): void {
    const known = this.#pods.get(namespace, name);
    if (known) this.#onPod(known);
  }

  #onPod(pod: Pod): void {
    const { namespace, name, state } = pod;
    if (state === 'running') return;
    for (const instanceId of [...(this.#instances.get(keyOf(pod)) ?? [])]) {
      if (state === 'ended') this.#registry.evict(instanceId, `its pod ${namespace}/${name} has ended`);
      else this.#registry.markDraining(instanceId, `its pod ${namespace}/${name} is being deleted`);
    }
  }
}

function keyOf({ namespace, name }: { namespace: string; name: string }): string {
  return `${namespace}/${name}`;
}
