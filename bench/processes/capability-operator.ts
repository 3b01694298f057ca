import { setTimeout as sleep } from 'node:timers/promises';
import { serveCommands } from './commands.ts';
import { GatedOperator } from './gated-operator.ts';
import { heapUsed } from './heap-used.ts';

const delegation = {
  name: 'capabilities',
  base: { apiVersion: 'kplug.bench.example.org/v1', kind: 'Capability' },
  api: 'Capability@^1.0.0',
  capability: {},
  finalize: { needed: false },
  dependents: {
    kinds: [
      { apiVersion: 'v1', kind: 'Secret', allowPrivileged: true },
      { apiVersion: 'v1', kind: 'ConfigMap' },
      { apiVersion: 'v1', kind: 'Service' },
      { apiVersion: 'apps/v1', kind: 'StatefulSet' },
    ],
  },
};

let running: GatedOperator | undefined;

/** Operator with a delegation of capabilities on a cluster. */
const commands = {
  /** Starts without reading resources. Returns the address for heartbeats. */
  async start(place: { kubeconfig: string; namespace: string }): Promise<string> {
    running = await GatedOperator.start(place, delegation);
    return running.controller.heartbeatAddress;
  },

  /** Waits for the registration of a plugin. */
  async registered(): Promise<void> {
    while ([...operator().controller.registry.instances()].length === 0) await sleep(2);
  },

  /** Reads the resources. Returns the time until no resource waits for a pass, in milliseconds. */
  settle: () => operator().settle(),

  /** Resolves when no resource is queued. */
  whenIdle: () => operator().controller.whenIdle(),

  /** Returns the size of the heap, in bytes. */
  heap: () => heapUsed(),

  stop: () => operator().controller.stop(),
};

export type CapabilityOperatorCommands = typeof commands;

serveCommands(commands);

function operator(): GatedOperator {
  if (!running) throw new Error('the operator was not started');
  return running;
}
