import { fromBinary } from '@bufbuild/protobuf';
import { HeartbeatRequestSchema, type Registration } from '@kplug/protocol';
// Imports internal modules, as the package doesn't export its parts.
import { LeasePolicy } from '../../packages/controller/src/registry/lease-policy.ts';
import { RegistrationReader } from '../../packages/controller/src/registry/read-registration.ts';
import { Registry } from '../../packages/controller/src/registry/registry.ts';
import { ManualClock } from '../../packages/controller/src/registry/testing.ts';
import { serveCommands } from './commands.ts';
import { heartbeatBytes } from './registrations.ts';
import { SweptMap } from './swept-map.ts';

/** Store of instances with leases. Times are in milliseconds. */
interface Store {
  register(registration: Registration): void;
  renew(instanceId: string): void;
  /** Advances the time, at which leases may expire. */
  advanceTo(time: number): void;
}

type StoreName = 'registry' | 'map';

const reader = new RegistrationReader(new LeasePolicy());

function createStore(name: StoreName, onGone: () => void): Store {
  const clock = new ManualClock();
  if (name === 'map') {
    const map = new SweptMap(onGone);
    return {
      register: (registration) => map.register(registration, clock.now()),
      renew: (instanceId) => map.renew(instanceId, clock.now()),
      advanceTo(time) {
        clock.advanceTo(time);
        map.sweep(time);
      },
    };
  }
  const registry = new Registry({ clock });
  registry.subscribe(({ instance }) => {
    if (instance.state === 'gone') onGone();
  });
  return {
    register: (registration) => registry.register(reader.read(registration, '10.0.0.1')),
    renew: (instanceId) => registry.beat(instanceId),
    advanceTo: (time) => clock.advanceTo(time),
  };
}

/** Decodes a registration, so that its strings are not shared. */
function decoded(index: number): Registration {
  const { registration } = fromBinary(HeartbeatRequestSchema, heartbeatBytes(index));
  if (!registration) throw new Error('the heartbeat has no registration');
  return registration;
}

function fill(store: Store, first: number, count: number): string[] {
  return Array.from({ length: count }, (_, index) => {
    const registration = decoded(first + index);
    store.register(registration);
    return registration.instanceId;
  });
}

function heapUsed(): number {
  if (!globalThis.gc) throw new Error('this process needs --expose-gc');
  globalThis.gc();
  globalThis.gc();
  return process.memoryUsage().heapUsed;
}

/** Registry, to measure the cost of many instances. */
const commands = {
  /** Returns the heap for each of many instances, in bytes. */
  heap({ store, instances }: { store: StoreName; instances: number }): number {
    // A first run excludes compiled code from the measurement.
    fill(
      createStore(store, () => undefined),
      0,
      1_000,
    );
    const before = heapUsed();
    const created = createStore(store, () => undefined);
    for (let index = 0; index < instances; index++) created.register(decoded(index));
    const bytes = (heapUsed() - before) / instances;
    // Keeps the store reachable until here.
    created.advanceTo(0);
    return bytes;
  },

  /** Returns the time in which some of many instances expire, for each round, in milliseconds. */
  expire({ store, instances, expiring, rounds }: ExpireOptions): number[] {
    let gone = 0;
    const created = createStore(store, () => gone++);
    const remaining = fill(created, 0, instances - expiring);
    const times: number[] = [];
    for (let round = 0, now = 0; round < rounds; round++, now += 15_000) {
      gone = 0;
      for (const instanceId of remaining) created.renew(instanceId);
      fill(created, instances + round * expiring, expiring);
      created.advanceTo(now + 5_000);
      for (const instanceId of remaining) created.renew(instanceId);
      const startedAt = performance.now();
      created.advanceTo(now + 15_000);
      times.push(performance.now() - startedAt);
      if (gone !== expiring) throw new Error(`${gone} instances expired, want ${expiring}`);
    }
    return times;
  },
};

interface ExpireOptions {
  store: StoreName;
  instances: number;
  expiring: number;
  rounds: number;
}

export type RegistryCommands = typeof commands;

serveCommands(commands);
