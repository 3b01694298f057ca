import { setTimeout as sleep } from 'node:timers/promises';
import { Controller, type Resource } from '@kplug/controller';
import { openKubernetes } from '@kplug/controller/kubernetes';
import { KubeConfig } from '@kubernetes/client-node';
import { pino } from 'pino';
import { behindGate } from './behind-gate.ts';
import { serveCommands, sharedNow, usage } from './commands.ts';

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
  controller: Controller;
  starting: Promise<void>;
  /** Lets the operator read its resources. */
  open: () => void;
  /** Time of the registration of each instance. */
  registeredAt: Map<string, number>;
}

let running: Running | undefined;

/** Operator on a cluster. */
const commands = {
  /** Starts without reading resources. Returns the address for heartbeats. */
  async start({ kubeconfig, namespace, finalizer }: ClusterTarget): Promise<string> {
    const kubeConfig = new KubeConfig();
    kubeConfig.loadFromString(kubeconfig);
    const logger = pino({ level: 'silent' });
    const resources = await openKubernetes({ kubeConfig, namespaces: [namespace], namespace, logger });
    const gate = Promise.withResolvers<void>();
    const controller = new Controller({
      resources: behindGate(resources, gate.promise),
      delegations: [
        { name: 'tables', base: { apiVersion, kind }, api: 'DatabaseTable@^1.0.0', finalize: { needed: finalizer } },
      ],
      heartbeatAddress: '127.0.0.1:0',
      adminAddress: false,
      logger,
    });
    const registeredAt = new Map<string, number>();
    controller.registry.subscribe(({ instance, from }) => {
      if (from === undefined) registeredAt.set(instance.registration.instanceId, sharedNow());
    });
    running = { controller, starting: controller.start(), open: gate.resolve, registeredAt };
    while (!controller.heartbeatAddress) await sleep(2);
    return controller.heartbeatAddress;
  },

  /** Waits for the registration of an instance. Returns its time. */
  async registered(instanceId: string): Promise<number> {
    for (;;) {
      const at = operator().registeredAt.get(instanceId);
      if (at !== undefined) return at;
      await sleep(2);
    }
  },

  /** Reads the resources. Returns the time until a number of them have had their first pass, in milliseconds. */
  async settle({ count }: { count: number }): Promise<{ time: number; cpu: number }> {
    const { controller, starting, open } = operator();
    const before = usage();
    open();
    await starting;
    await controller.whenIdle();
    const after = usage();
    const ready = [...controller.resources.list({ apiVersion, kind })].filter(isReady).length;
    if (ready !== count) throw new Error(`got ${ready} ready tables, want ${count}`);
    return { time: after.at - before.at, cpu: after.cpu - before.cpu };
  },

  /** Resolves when no table is queued. */
  whenIdle: () => operator().controller.whenIdle(),

  stop: () => operator().controller.stop(),
};

export type ClusterOperatorCommands = typeof commands;

serveCommands(commands);

function operator(): Running {
  if (!running) throw new Error('the operator was not started');
  return running;
}

function isReady({ metadata, status }: Resource): boolean {
  const conditions = (status?.conditions ?? []) as { type: string; status: string }[];
  const holds = conditions.some((condition) => condition.type === 'Ready' && condition.status === 'True');
  return holds && status?.observedGeneration === metadata.generation;
}
