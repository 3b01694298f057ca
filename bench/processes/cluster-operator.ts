import { setTimeout as sleep } from 'node:timers/promises';
import type { Resource } from '@kplug/controller';
import { serveCommands, sharedNow } from './commands.ts';
import { GatedOperator } from './gated-operator.ts';

const apiVersion = 'kplug.bench.example.org/v1';
const kind = 'Table';

/** Configuration of one run of the operator. */
export interface ClusterTarget {
  kubeconfig: string;
  namespace: string;
  /** True if tables get a finalizer. */
  finalizer: boolean;
}

interface Running {
  operator: GatedOperator;
  /** Time of the registration of each instance. */
  registeredAt: Map<string, number>;
}

let running: Running | undefined;

/** Operator on a cluster. */
const commands = {
  /** Starts without reading resources. Returns the address for heartbeats. */
  async start({ finalizer, ...place }: ClusterTarget): Promise<string> {
    const base = { apiVersion, kind };
    const finalize = { needed: finalizer };
    const operator = await GatedOperator.start(place, { name: 'tables', base, api: 'DatabaseTable@^1.0.0', finalize });
    const registeredAt = new Map<string, number>();
    operator.controller.registry.subscribe(({ instance, from }) => {
      if (from === undefined) registeredAt.set(instance.registration.instanceId, sharedNow());
    });
    running = { operator, registeredAt };
    return operator.controller.heartbeatAddress;
  },

  /** Waits for the registration of an instance. Returns its time. */
  async registered(instanceId: string): Promise<number> {
    for (;;) {
      const at = current().registeredAt.get(instanceId);
      if (at !== undefined) return at;
      await sleep(2);
    }
  },

  /** Reads the resources. Returns the time until a number of them have had their first pass, in milliseconds. */
  async settle({ count }: { count: number }): Promise<{ time: number; cpu: number }> {
    const { operator } = current();
    const took = await operator.settle();
    const ready = [...operator.controller.resources.list({ apiVersion, kind })].filter(isReady).length;
    if (ready !== count) throw new Error(`got ${ready} ready tables, want ${count}`);
    return took;
  },

  /** Resolves when no table is queued. */
  whenIdle: () => current().operator.controller.whenIdle(),

  stop: () => current().operator.controller.stop(),
};

export type ClusterOperatorCommands = typeof commands;

serveCommands(commands);

function current(): Running {
  if (!running) throw new Error('the operator was not started');
  return running;
}

function isReady({ metadata, status }: Resource): boolean {
  const conditions = (status?.conditions ?? []) as { type: string; status: string }[];
  const holds = conditions.some((condition) => condition.type === 'Ready' && condition.status === 'True');
  return holds && status?.observedGeneration === metadata.generation;
}
