import { access, readFile } from 'node:fs/promises';
import { startTimeout, TestCluster } from '@kplug/testing/control-plane';
import { AuthenticationV1Api, KubeConfig } from '@kubernetes/client-node';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest';
import type { IdentityIssuer } from '../resources/cluster-services.ts';
import { openKubernetes } from '../resources/kubernetes/open-kubernetes.ts';
import { ProcessIdentity } from './identity.ts';

const log = pino({ level: 'silent' });
let cluster: TestCluster;

beforeAll(async () => {
  cluster = await TestCluster.connect();
}, startTimeout);

afterAll(() => cluster?.close());

async function issuerFor(namespace: string): Promise<IdentityIssuer> {
  const resources = await openKubernetes({ kubeConfig: cluster.kubeConfig, namespace, logger: log });
  onTestFinished(() => resources.close());
  return resources.services?.identities ?? expect.fail('there is no issuer');
}

it('has the rights of the ServiceAccount, and is removed with the process', async () => {
  const namespace = await cluster.namespace();
  await cluster.apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'roller', namespace } });
  const identity = await ProcessIdentity.issue(await issuerFor(namespace), 'roller', log);
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromFile(identity.kubeconfig);
  // The same request as the process would send.
  const { status } = await kubeConfig.makeApiClient(AuthenticationV1Api).createSelfSubjectReview({ body: {} });
  expect(status?.userInfo?.username).toBe(`system:serviceaccount:${namespace}:roller`);
  await identity.end();
  await expect(access(identity.kubeconfig)).rejects.toThrow('ENOENT');
});

it('reports that the ServiceAccount does not exist', async () => {
  const namespace = await cluster.namespace();
  await expect(ProcessIdentity.issue(await issuerFor(namespace), 'nobody', log)).rejects.toThrow(
    `The operator can't act as the ServiceAccount ${namespace}/nobody: there is no such ServiceAccount; create it`,
  );
});

it('is renewed before its token expires, repeatedly', async () => {
  let issued = 0;
  const issuer: IdentityIssuer = {
    issue: async () => {
      issued += 1;
      return { token: `token ${issued}`, expiresAt: Date.now() + 200 };
    },
    kubeconfig: (file) => file,
  };
  const identity = await ProcessIdentity.issue(issuer, 'roller', log);
  onTestFinished(() => identity.end());
  const file = await readFile(identity.kubeconfig, 'utf8');
  const token = async () => (JSON.parse(await readFile(file, 'utf8')) as { status: { token: string } }).status.token;
  expect(await token()).toMatch(/^token \d+$/);
  await vi.waitFor(async () => expect(await token()).toMatch(/^token [3-9]/), { timeout: 10_000 });
});
