import { setTimeout as sleep } from 'node:timers/promises';
import { Controller } from '@kplug/controller';
import { openKubernetes } from '@kplug/controller/kubernetes';
import { KubeConfig } from '@kubernetes/client-node';
import { pino } from 'pino';
import { behindGate } from './behind-gate.ts';
import { serveCommands, usage } from './commands.ts';
import { heapUsed } from './heap-used.ts';

const apiVersion = 'kplug.bench.example.org/v1';
const kind = 'Capability';

interface Running {
  controller: Controller;
  starting: Promise<void>;
  /** Lets the operator read its resources. */
  open: () => void;
}

let running: Running | undefined;

/** Operator with a delegation of capabilities on a cluster. */
const commands = {
  /** Starts without reading resources. Returns the address for heartbeats. */
  async start({ kubeconfig, namespace }: { kubeconfig: string; namespace: string }): Promise<string> {
    const kubeConfig = new KubeConfig();
    kubeConfig.loadFromString(kubeconfig);
    const logger = pino({ level: 'silent' });
    const resources = await openKubernetes({ kubeConfig, namespaces: [namespace], namespace, logger });
    const gate = Promise.withResolvers<void>();
    const kinds = [
      { apiVersion: 'v1', kind: 'Secret', allowPrivileged: true },
      { apiVersion: 'v1', kind: 'ConfigMap' },
      { apiVersion: 'v1', kind: 'Service' },
      { apiVersion: 'apps/v1', kind: 'StatefulSet' },
    ];
    const controller = new Controller({
      resources: behindGate(resources, gate.promise),
      delegations: [
        {
          name: 'capabilities',
          base: { apiVersion, kind },
          api: 'Capability@^1.0.0',
          capability: {},
          finalize: { needed: false },
          dependents: { kinds },
        },
      ],
      heartbeatAddress: '127.0.0.1:0',
      adminAddress: false,
      logger,
    });
    running = { controller, starting: controller.start(), open: gate.resolve };
    while (!controller.heartbeatAddress) await sleep(2);
    return controller.heartbeatAddress;
  },

  /** Waits for the registration of a plugin. */
  async registered(): Promise<void> {
    while ([...operator().controller.registry.instances()].length === 0) await sleep(2);
  },

  /** Reads the resources. Returns the time until no resource waits for a pass, in milliseconds. */
  async settle(): Promise<{ time: number; cpu: number }> {
    const { controller, starting, open } = operator();
    const before = usage();
    open();
    await starting;
    await controller.whenIdle();
    const after = usage();
    return { time: after.at - before.at, cpu: after.cpu - before.cpu };
  },

  /** Resolves when no resource is queued. */
  whenIdle: () => operator().controller.whenIdle(),

  /** Returns the size of the heap, in bytes. */
  heap: () => heapUsed(),

  stop: () => operator().controller.stop(),
};

export type CapabilityOperatorCommands = typeof commands;

serveCommands(commands);

function operator(): Running {
  if (!running) throw new Error('the operator was not started');
  return running;
}
