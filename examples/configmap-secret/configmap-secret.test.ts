// Must be loaded before @peculiar/x509.
import 'reflect-metadata';
import { generateKeyPairSync, webcrypto } from 'node:crypto';
import { ExampleOnCluster } from '@kplug/testing/cluster';
import { type ClusterObject, startTimeout } from '@kplug/testing/control-plane';
import { X509CertificateGenerator } from '@peculiar/x509';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

const here = (file: string) => new URL(file, import.meta.url);
const labels = { 'example.org/checked': 'true' };
const day = 86_400_000;

let example: ExampleOnCluster;

beforeAll(async () => {
  example = await ExampleOnCluster.open();
  await example.apply(here('deploy/roller.yaml'));
  await example.startController({ pluginsFolder: { directory: here('plugins').pathname } });
  await example.apply(here('deploy/delegations.yaml'));
}, startTimeout);

afterAll(() => example?.[Symbol.asyncDispose]());

/** Reads the status of an object from the annotation of a delegation. */
async function statusOf(object: ClusterObject, delegation: string): Promise<Record<string, unknown>> {
  const stored = await example.cluster.get(object);
  const annotations = (stored?.metadata.annotations ?? {}) as Record<string, string>;
  return JSON.parse(annotations[`status.kplug.dev/${delegation}-${example.namespace}`] ?? '{}');
}

/** Lists the Events about an object, by reason. */
async function eventsOf(name: string): Promise<Record<string, string>> {
  const path = `/apis/events.k8s.io/v1/namespaces/${example.namespace}/events`;
  interface Event {
    reason: string;
    note: string;
    regarding: { name: string };
  }
  const { items } = await example.cluster.request<{ items: Event[] }>('GET', path);
  return Object.fromEntries(items.filter(({ regarding }) => regarding.name === name).map((e) => [e.reason, e.note]));
}

const soon = { timeout: 30_000, interval: 50 };

describe('a ConfigMap', () => {
  const configMap = (data: object, more: object = { labels }) => {
    const object = example.object('v1', 'ConfigMap', 'settings', { data });
    return { ...object, metadata: { ...object.metadata, ...more } };
  };

  const deployment = (name: string, container: object) =>
    example.object('apps/v1', 'Deployment', name, {
      spec: {
        selector: { matchLabels: { app: name } },
        template: {
          metadata: { labels: { app: name } },
          spec: { containers: [{ name: 'main', image: 'none', ...container }] },
        },
      },
    });

  async function rolledTo(name: string): Promise<string | undefined> {
    const stored = await example.cluster.get(deployment(name, {}));
    const { template } = (stored?.spec ?? {}) as { template?: { metadata: { annotations?: Record<string, string> } } };
    return template?.metadata.annotations?.['rolls.example.org/settings'];
  }

  it('rolls out only the Deployments that use it', async () => {
    await example.cluster.apply(deployment('user', { envFrom: [{ configMapRef: { name: 'settings' } }] }));
    await example.cluster.apply(deployment('other', { envFrom: [{ configMapRef: { name: 'others' } }] }));
    await example.cluster.apply(configMap({ 'a.json': '{}' }));
    await vi.waitFor(async () => {
      expect(await statusOf(configMap({}), 'configmaps')).toMatchObject({
        implementation: 'ConfigMapRoller',
        hash: expect.stringMatching(/^[0-9a-f]{16}$/),
        deployments: ['user'],
      });
    }, soon);
    const { hash } = await statusOf(configMap({}), 'configmaps');
    expect(await rolledTo('user')).toBe(hash);
    expect(await rolledTo('other')).toBeUndefined();
    await vi.waitFor(async () => {
      expect(await eventsOf('settings')).toMatchObject({ RolledOut: `user is rolled to ${hash}` });
    }, soon);

    await example.cluster.apply(configMap({ 'a.json': '[1]' }));
    await vi.waitFor(async () => expect(await rolledTo('user')).not.toBe(hash), soon);
  });

  it('that is malformed is not rolled out, and its status describes the error', async () => {
    const before = await rolledTo('user');
    await example.cluster.apply(configMap({ 'a.json': '{' }));
    await vi.waitFor(async () => {
      const { conditions } = await statusOf(configMap({}), 'configmaps');
      expect(conditions).toContainEqual(
        expect.objectContaining({
          type: 'Ready',
          status: 'False',
          reason: 'Malformed',
          message: expect.stringContaining('a.json is invalid'),
        }),
      );
    }, soon);
    expect(await rolledTo('user')).toBe(before);
  });

  it('without the label is no longer delegated, and its status is removed', async () => {
    await example.cluster.apply(configMap({ 'a.json': '{}' }, {}));
    await vi.waitFor(async () => expect(await statusOf(configMap({}), 'configmaps')).toEqual({}), soon);
  });
});

describe('a Secret', () => {
  it('with an expiring certificate or a weak key gets Warnings, and its content is not disclosed', async () => {
    const weak = generateKeyPairSync('rsa', { modulusLength: 1_024 }).privateKey.export({
      type: 'pkcs8',
      format: 'pem',
    });
    const stringData = { 'tls.crt': await certificate(10), 'old.crt': await certificate(-1), 'tls.key': String(weak) };
    const secret = example.object('v1', 'Secret', 'server', { stringData });
    await example.cluster.apply({ ...secret, metadata: { ...secret.metadata, labels } });
    await vi.waitFor(async () => {
      expect(await eventsOf('server')).toMatchObject({
        CertificateExpiring: expect.stringMatching(
          /^the certificate in tls\.crt \(CN=test\) expires on \d{4}-.*; renew it$/,
        ),
        CertificateExpired: expect.stringContaining('old.crt'),
        WeakKey: 'the private key in tls.key has 1024 bits; use 2048 or more',
      });
    }, soon);
    const status = await statusOf(secret, 'secrets');
    expect(status.certificates).toHaveLength(2);
    expect(status.conditions).toContainEqual(expect.objectContaining({ type: 'Sound', status: 'False' }));
    expect(JSON.stringify(status)).not.toMatch(/BEGIN|MII/);
  });

  it('without problems has the condition Sound', async () => {
    const strong = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
      type: 'pkcs8',
      format: 'pem',
    });
    const stringData = { 'tls.crt': await certificate(200), 'tls.key': String(strong), password: 'x' };
    const secret = example.object('v1', 'Secret', 'sound', { stringData });
    await example.cluster.apply({ ...secret, metadata: { ...secret.metadata, labels } });
    await vi.waitFor(async () => {
      const { conditions } = await statusOf(secret, 'secrets');
      expect(conditions).toContainEqual(expect.objectContaining({ type: 'Sound', status: 'True' }));
    }, soon);
  });
});

/** Creates a certificate that expires after a number of days. */
async function certificate(days: number): Promise<string> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const made = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=test',
    notBefore: new Date(Date.now() - 100 * day),
    notAfter: new Date(Date.now() + days * day),
    signingAlgorithm: algorithm,
    keys,
  });
  return made.toString('pem');
}
