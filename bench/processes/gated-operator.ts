import { setTimeout as sleep } from 'node:timers/promises';
import { Controller, type DelegationDeclaration } from '@kplug/controller';
import { openKubernetes } from '@kplug/controller/kubernetes';
import { KubeConfig } from '@kubernetes/client-node';
import { pino } from 'pino';
import { behindGate } from './behind-gate.ts';
import { usage } from './commands.ts';

/** Operator on a cluster that reads its resources when it is told to, so that plugins can register first. */
export class GatedOperator {
  readonly controller: Controller;
  readonly #starting: Promise<void>;
  readonly #open: () => void;

  private constructor(controller: Controller, open: () => void) {
    this.controller = controller;
    this.#starting = controller.start();
    this.#open = open;
  }

  /** Starts an operator in a namespace. Fulfilled when it listens for heartbeats. */
  static async start(
    { kubeconfig, namespace }: { kubeconfig: string; namespace: string },
    delegation: DelegationDeclaration,
  ): Promise<GatedOperator> {
    const kubeConfig = new KubeConfig();
    kubeConfig.loadFromString(kubeconfig);
    const logger = pino({ level: 'silent' });
    const resources = await openKubernetes({ kubeConfig, namespaces: [namespace], namespace, logger });
    const gate = Promise.withResolvers<void>();
    const controller = new Controller({
      resources: behindGate(resources, gate.promise),
      delegations: [delegation],
      heartbeatAddress: '127.0.0.1:0',
      adminAddress: false,
      logger,
    });
    const operator = new GatedOperator(controller, gate.resolve);
    while (!controller.heartbeatAddress) await sleep(2);
    return operator;
  }

  /** Reads the resources. Returns the time until no resource waits for a pass, and the CPU time until then, in milliseconds. */
  async settle(): Promise<{ time: number; cpu: number }> {
    const before = usage();
    this.#open();
    await this.#starting;
    await this.controller.whenIdle();
    const after = usage();
    return { time: after.at - before.at, cpu: after.cpu - before.cpu };
  }
}
