import { type ClusterObject, definition, startTimeout, TestCluster } from '@kplug/testing/control-plane';
import { pino } from 'pino';
import { afterAll, beforeAll } from 'vitest';
import { describeContract } from '../contract.ts';
import { openKubernetes } from './open-kubernetes.ts';

let cluster: TestCluster;

beforeAll(async () => {
  cluster = await TestCluster.connect();
  for (const kind of ['Table', 'View']) await cluster.define(definition({ group: 'example.org', kind }));
}, startTimeout);

afterAll(() => cluster?.close());

describeContract(async () => {
  const namespace = await cluster.namespace();
  const { kubeConfig } = cluster;
  return {
    resources: await openKubernetes({ kubeConfig, namespaces: [namespace], logger: pino({ level: 'silent' }) }),
    namespace,
    apply: async (manifest) => void (await cluster.apply(manifest as ClusterObject)),
    remove: (manifest) => cluster.delete(manifest as ClusterObject),
  };
});
