import { Controller } from '@kplug/controller';
import { openKubernetes } from '@kplug/controller/kubernetes';
import { uniqueGroup } from '@kplug/testing/cluster';
import { definition } from '@kplug/testing/control-plane';
import { pino } from 'pino';
import { expect, onTestFinished, vi } from 'vitest';
import { connectCluster, defineKind } from './ten-causes.fixture.ts';

/** Two operators of one delegation on a cluster. They stop with the test. */
export interface OperatorPair {
  leader: Controller;
  /** Waits for leadership. Its admin port is open. */
  standby: Controller;
  /** Fulfilled when the standby leads. */
  started: Promise<void>;
  namespace: string;
}

/** Starts an operator for the kind `Ledger` that leads, and then one that waits for leadership. */
export async function startLeaderAndStandby(): Promise<OperatorPair> {
  const cluster = await connectCluster();
  const group = uniqueGroup();
  const base = { apiVersion: `${group}/v1`, kind: 'Ledger' };
  await defineKind(cluster, definition({ group, kind: 'Ledger' }));
  const namespace = await cluster.namespace();
  const logger = pino({ level: 'silent' });
  const create = async () => {
    const { kubeConfig } = cluster;
    const place = { kubeConfig, namespaces: [namespace], namespace, logger };
    const resources = await openKubernetes({ ...place, leaderElection: { leaseName: 'kplug' } });
    const controller = new Controller({
      ...{ resources, logger, heartbeatAddress: '127.0.0.1:0', adminAddress: '127.0.0.1:0' },
      delegations: [{ name: 'ledgers', base, api: 'Table@^1.0.0' }],
    });
    onTestFinished(() => controller.stop());
    return controller;
  };
  const leader = await create();
  await leader.start();
  const standby = await create();
  const started = standby.start();
  await vi.waitFor(() => expect(standby.adminAddress).not.toBe(''), { timeout: 20_000, interval: 20 });
  return { leader, standby, started, namespace };
}
