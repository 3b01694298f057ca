import { FaultProxy, startTimeout, TestCluster } from '@kplug/testing/control-plane';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { ManagedCertificates } from '../../certificates/managed-certificates.ts';
import { days } from '../../limits/limit.ts';
import { FollowedCluster, soon } from './testing.ts';

let cluster: TestCluster;

beforeAll(async () => {
  cluster = await TestCluster.connect();
}, startTimeout);

afterAll(() => cluster?.close());

const names = { dns: ['kplug', 'kplug.kplug-system.svc'], ips: [] };
const secretOf = (namespace: string) => ({ apiVersion: 'v1', kind: 'Secret', metadata: { namespace, name: 'op-tls' } });
const bundleOf = (namespace: string) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace, name: 'op-ca' },
});

/** One of several replicas of an operator. */
async function replica(
  namespace: string,
  { bundleNamespaces = [] as string[], kubeConfig = cluster.kubeConfig, ago = 0, interval = 1e9 } = {},
) {
  const operator = await FollowedCluster.open({
    kubeConfig,
    namespace,
    namespaces: [namespace],
    certificates: { name: 'op', bundleNamespaces },
  });
  const log: { level: number; msg: string }[] = [];
  const logger = pino({ level: 'info' }, { write: (line: string) => void log.push(JSON.parse(line)) });
  const observed: string[] = [];
  const observer = {
    renewed: (certificate: string) => void observed.push(`renewed ${certificate}`),
    failed: (operation: string) => void observed.push(`failed ${operation}`),
  };
  const clock = { ago };
  const { certificates: store } = operator.resources.services;
  const now = () => Date.now() - clock.ago;
  const certificates = new ManagedCertificates({ store, names, log: logger, observer, now, interval });
  onTestFinished(() => certificates.stop());
  return { operator, store, certificates, log, observed, clock };
}

const bundleIn = async (namespace: string) =>
  ((await cluster.get(bundleOf(namespace)))?.data as Record<string, string> | undefined)?.['ca.crt'];

describe("the Secret with the operator's certificates", () => {
  it('is made once by replicas that start together', async () => {
    const namespace = await cluster.namespace();
    const replicas = await Promise.all(Array.from({ length: 5 }, () => replica(namespace)));
    await Promise.all(replicas.map(({ certificates }) => certificates.start()));
    const bundles = new Set(replicas.map(({ certificates }) => certificates.caBundle()));
    expect(bundles).toEqual(new Set([await bundleIn(namespace)]));
    expect(new Set(replicas.map(({ certificates }) => certificates.current().cert)).size).toBe(1);
    expect(new Set(replicas.map(({ certificates }) => certificates.caller().key)).size).toBe(1);
    expect(await cluster.get(secretOf(namespace))).toMatchObject({
      type: 'Opaque',
      metadata: { labels: { 'app.kubernetes.io/managed-by': 'kplug' } },
    });
    // A restart makes nothing.
    const again = await replica(namespace);
    await again.certificates.start();
    expect(again.certificates.current()).toEqual(replicas[0]?.certificates.current());
    expect(again.operator.requests.filter(({ verb }) => verb !== 'get')).toEqual([]);
  });

  it('is renewed by one replica for all of them, with its labels and annotations kept', async () => {
    const namespace = await cluster.namespace();
    const leader = await replica(namespace, { ago: 25 * days });
    await leader.certificates.start();
    await cluster.edit(secretOf(namespace), { metadata: { annotations: { 'example.org/note': 'kept' } } });
    const standby = await replica(namespace, { ago: 25 * days, interval: 20 });
    await standby.certificates.start();
    const changed = vi.fn();
    standby.certificates.subscribe(changed);
    const former = standby.certificates.caller().cert;
    leader.clock.ago = 0;
    await leader.certificates.check();
    expect(leader.certificates.caller().cert).not.toBe(former);
    standby.clock.ago = 0;
    expect(leader.observed.slice(-2)).toEqual(['renewed server', 'renewed caller']);
    await vi.waitFor(() => expect(standby.certificates.caller()).toEqual(leader.certificates.caller()), soon);
    expect(changed).toHaveBeenCalledTimes(1);
    expect((await cluster.get(secretOf(namespace)))?.metadata).toMatchObject({
      annotations: { 'example.org/note': 'kept' },
    });
  });

  it('is made again with the certificates in use when it is deleted', async () => {
    const namespace = await cluster.namespace();
    const { certificates, log } = await replica(namespace);
    await certificates.start();
    const bundle = certificates.caBundle();
    await cluster.delete(secretOf(namespace));
    await cluster.delete(bundleOf(namespace));
    await certificates.check();
    expect(certificates.caBundle()).toBe(bundle);
    expect(await bundleIn(namespace)).toBe(bundle);
    expect(log.at(-2)?.msg).toBe(
      `the Secret ${namespace}/op-tls was deleted; it was created again with the certificates in use`,
    );
    const other = await replica(namespace);
    await other.certificates.start();
    expect(other.certificates.caBundle()).toBe(bundle);
  });

  it.each([
    ['a CA that is not PEM', { 'ca.crt': 'none' }, 'ca.crt has no certificate'],
    ['no key of the CA', { 'ca.key': '' }, 'ca.key is not the key of a certificate in ca.crt'],
  ])('is not replaced with %s; the certificates in use stay', async (_, damage, problem) => {
    const namespace = await cluster.namespace();
    const { certificates, log, observed } = await replica(namespace, { interval: 20 });
    await certificates.start();
    const former = certificates.caller();
    const encoded = Object.entries(damage).map(([key, text]) => [key, Buffer.from(text).toString('base64')]);
    await cluster.edit(secretOf(namespace), { data: Object.fromEntries(encoded) });
    await vi.waitFor(() => expect(log.at(-1)?.msg).toContain(problem), soon);
    expect(log.at(-1)?.msg).toContain(`The certificates in the Secret ${namespace}/op-tls can't be used`);
    expect(certificates.caller()).toEqual(former);
    // One line for the same failure.
    await vi.waitFor(() => expect(observed.filter((one) => one === 'failed read').length).toBeGreaterThan(2), soon);
    expect(log.filter(({ level }) => level === 50)).toHaveLength(1);
    const other = await replica(namespace);
    await expect(other.certificates.start()).rejects.toMatchObject({
      code: 'InvalidConfiguration',
      message: expect.stringContaining(problem) as string,
    });
  });

  it('gets new certificates of the same CA when those can not be read', async () => {
    const namespace = await cluster.namespace();
    const first = await replica(namespace);
    await first.certificates.start();
    await cluster.edit(secretOf(namespace), { data: { 'server.crt': '', 'caller.key': 'bm9uZQ==' } });
    const { certificates } = await replica(namespace);
    await certificates.start();
    expect(certificates.caBundle()).toBe(first.certificates.caBundle());
    expect(certificates.caller().cert).not.toBe(first.certificates.caller().cert);
  });

  it('needs few rights, and names the one that is missing', async () => {
    const namespace = await cluster.namespace();
    const user = `certificates-${namespace}`;
    await cluster.grant(user, namespace, [
      { apiGroups: [''], resources: ['secrets', 'configmaps'], verbs: ['create'] },
    ]);
    const proxy = await FaultProxy.open(cluster.kubeConfig);
    onTestFinished(() => proxy.close());
    const { certificates } = await replica(namespace, { kubeConfig: proxy.kubeConfig(user) });
    await expect(certificates.start()).rejects.toMatchObject({
      code: 'StorageFailed',
      message: expect.stringContaining(
        '{ apiGroups: [""], resources: ["secrets"], resourceNames: ["op-tls"], verbs: ["get"] }',
      ) as string,
    });
    const verbs = ['get', 'update'];
    await cluster.grant(user, namespace, [
      { apiGroups: [''], resources: ['secrets', 'configmaps'], verbs: ['create'] },
      { apiGroups: [''], resources: ['secrets'], resourceNames: ['op-tls'], verbs },
      { apiGroups: [''], resources: ['configmaps'], resourceNames: ['op-ca'], verbs },
    ]);
    const allowed = await replica(namespace, { kubeConfig: proxy.kubeConfig(user), ago: 25 * days });
    await allowed.certificates.start();
    allowed.clock.ago = 0;
    await allowed.certificates.check();
    expect(allowed.observed).not.toContain('failed write');
  });
});

describe('the ConfigMap with the CA bundle', () => {
  it('is published in further namespaces, and restored when it is changed', async () => {
    const [namespace, other] = [await cluster.namespace(), await cluster.namespace()];
    const later = `${namespace}-later`;
    const { certificates } = await replica(namespace, { bundleNamespaces: [other, later] });
    await certificates.start();
    expect(await bundleIn(other)).toBe(certificates.caBundle());
    await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: later } });
    await cluster.edit(bundleOf(other), { data: { 'ca.crt': 'forged', note: 'kept' } });
    await certificates.check();
    expect(await bundleIn(other)).toBe(certificates.caBundle());
    expect(await bundleIn(later)).toBe(certificates.caBundle());
    expect((await cluster.get(bundleOf(other)))?.data).toHaveProperty('note', 'kept');
  });

  it('is never replaced by an older bundle of a slow replica', async () => {
    const namespace = await cluster.namespace();
    const leader = await replica(namespace, { ago: 250 * days });
    await leader.certificates.start();
    const slow = await replica(namespace);
    const former = leader.certificates.caBundle();
    let isFirst = true;
    await cluster.edit(bundleOf(namespace), { data: { 'ca.crt': 'forged' } });
    await slow.store.publish(async () => {
      if (!isFirst) return (await slow.store.read())?.data['ca.crt'] ?? '';
      isFirst = false;
      // The leader renews the CA while the replica is about to publish.
      leader.clock.ago = 0;
      await leader.certificates.check();
      return former;
    });
    expect(leader.certificates.caBundle()).not.toBe(former);
    expect(await bundleIn(namespace)).toBe(leader.certificates.caBundle());
  });
});
