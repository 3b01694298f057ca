// Attacks on the admin port of an operator on a cluster, from another machine: the connections have different addresses at their ends.
import { request as requestOverTcp } from 'node:http';
import { request as requestOverTls } from 'node:https';
import { networkInterfaces } from 'node:os';
import { text } from 'node:stream/consumers';
import { startTimeout, TestCluster } from '@kplug/testing/control-plane';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { adminRight } from '../../packages/controller/src/admin/authorize.ts';
import { Controller } from '../../packages/controller/src/index.ts';
import { openKubernetes } from '../../packages/controller/src/kubernetes.ts';
import { longestBlock, unitOfWork } from '../scale/loop-meter.fixture.ts';

/** Longest time that an attack may block the event loop, in units of a computation that takes about a millisecond. */
const maxBlock = 20;

const [address] = Object.values(networkInterfaces())
  .flatMap((found) => found ?? [])
  .filter(({ internal, family }) => !internal && family === 'IPv4')
  .map((found) => found.address);

const list = '/kplug.v1.RegistryService/ListPlugins';

let cluster: TestCluster;
let namespace: string;
let controller: Controller;
let ca: string;
let reviews = 0;

beforeAll(async () => {
  cluster = await TestCluster.connect();
  namespace = await cluster.namespace();
  const logger = pino({ level: 'silent' });
  const observe = ({ resource }: { resource: string }) => {
    if (resource === 'tokenreviews') reviews++;
  };
  const resources = await openKubernetes({ kubeConfig: cluster.kubeConfig, namespace, logger, observe });
  controller = new Controller({
    resources,
    delegations: [],
    followDelegations: { operator: 'admin-port' },
    logger,
    heartbeatAddress: '0.0.0.0:0',
    adminAddress: '0.0.0.0:0',
  });
  await controller.start();
  const bundle = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'kplug-ca', namespace } };
  const { data } = (await cluster.get(bundle)) as unknown as { data: Record<string, string> };
  ca = data['ca.crt'] ?? '';
}, startTimeout);

afterAll(async () => {
  await controller?.stop();
  await cluster?.close();
});

interface Asked {
  token?: string;
  path?: string;
  isPlain?: boolean;
  from?: string | undefined;
  to?: string | undefined;
  headers?: Record<string, string>;
}

/** Sends a request to the admin port. Default: by TLS, from another machine. */
async function ask({
  token,
  path = list,
  isPlain = false,
  from = '127.0.0.1',
  to = address,
  headers = {},
}: Asked = {}) {
  const isCall = path.includes('Service/');
  const options = {
    host: to,
    port: Number(controller.adminAddress.split(':').at(-1)),
    path,
    method: isCall ? 'POST' : 'GET',
    localAddress: from,
    agent: false,
    headers: {
      ...(isCall && { 'content-type': 'application/json' }),
      ...(token && { authorization: `Bearer ${token}` }),
      ...headers,
    },
  } as const;
  return await new Promise<{ status: number | undefined; body: string; challenge: string | undefined }>(
    (resolve, reject) => {
      const sent = isPlain ? requestOverTcp(options) : requestOverTls({ ...options, ca, servername: 'localhost' });
      sent.on('error', reject);
      sent.on('response', (response) => {
        const { statusCode: status, headers: answered } = response;
        text(response).then((body) => resolve({ status, body, challenge: answered['www-authenticate'] }), reject);
      });
      sent.end(isCall ? '{}' : undefined);
    },
  );
}

/** Makes a ServiceAccount and returns a token of it. @param audiences default: the API server. */
async function tokenOf(name: string, audiences?: readonly string[]): Promise<string> {
  await cluster.apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } });
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`;
  const spec = { expirationSeconds: 600, ...(audiences && { audiences }) };
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec };
  const { status } = await cluster.request<{ status: { token: string } }>('POST', path, body);
  return status.token;
}

const { group, resource, verb } = adminRight;
const rule = { apiGroups: [group], resources: [resource], verbs: [verb] };

describe.runIf(address !== undefined)('from another machine', () => {
  // Otherwise every pod that reaches the port reads plugins, resources and the output of processes.
  it('a request without a token is refused, with the way to get in', async () => {
    for (const path of [
      list,
      '/kplug.v1.HostingService/ListHosted',
      '/kplug.v1.HostingService/ReadOutput',
      '/kplug.v1.EventService/ListEvents',
      '/kplug.v1.LoadService/GetLoad',
      '/kplug.v1.SecurityService/GetSecurity',
      '/metrics',
      '/readyz?verbose',
    ]) {
      const { status, body, challenge } = await ask({ path });
      expect([path, status, challenge]).toEqual([path, 401, 'Bearer']);
      expect(body).toContain('the request has no token');
      expect(body).toContain('kubectl port-forward');
    }
  });

  // Otherwise any text is as good as a token.
  it('wrong tokens are refused: garbage, another cluster, and the tokens of plugins', async () => {
    const stranger = await ask({ token: 'garbage' });
    expect([stranger.status, stranger.body]).toEqual([
      401,
      expect.stringContaining("API server doesn't accept the token"),
    ]);
    const plugin = await ask({ token: await tokenOf('plugin', ['kplug']) });
    expect([plugin.status, plugin.body]).toEqual([
      401,
      expect.stringContaining('which is for the audience \\"kplug\\"'),
    ]);
    expect((await ask({ headers: { authorization: `Basic ${btoa('admin:admin')}` } })).status).toBe(401);
    expect((await ask({ token: 'a'.repeat(20_000) })).status).toBe(429);
  });

  // Otherwise every ServiceAccount of the cluster may read, as each has a token.
  it('a user without the right is refused, also with the right to read plugins', async () => {
    const user = `system:serviceaccount:${namespace}:reader`;
    const token = await tokenOf('reader');
    await cluster.grant(user, namespace, [{ apiGroups: [group], resources: ['plugins'], verbs: ['get', 'list'] }]);
    const { status, body } = await ask({ token });
    expect(status).toBe(403);
    expect(JSON.parse(body)).toMatchObject({ code: 'permission_denied' });
    expect(JSON.parse(body).message).toContain(
      `"${user}" may not get plugins/admin.plugins.kplug.dev in the namespace ${namespace}`,
    );
  });

  it('a user with the right is served', async () => {
    const token = await tokenOf('viewer');
    await cluster.grant(`system:serviceaccount:${namespace}:viewer`, namespace, [rule]);
    // The authorizer of the API server learns of new rules a moment later.
    await vi.waitFor(async () => expect((await ask({ token })).status).toBe(200), { timeout: 60_000, interval: 500 });
    expect((await ask({ token, path: '/metrics' })).body).toContain('kplug_build_info');
    // A token in plain text would be everybody's on the way.
    const plain = await ask({ token, isPlain: true });
    expect([plain.status, plain.body]).toEqual([403, expect.stringContaining('no token is accepted in plain text')]);
    // A page of another site would use the token of a browser's user.
    expect((await ask({ token, headers: { origin: 'https://example.org' } })).status).toBe(403);
    expect((await ask({ token, headers: { host: 'example.org' } })).status).toBe(403);
  });

  // Otherwise a proxy of a service mesh, which connects from 127.0.0.6, makes everybody local; and so does a header.
  it('no loopback address of the peer alone and no header makes a stranger local', async () => {
    expect((await ask({ from: '127.0.0.6', isPlain: true })).status).toBe(403);
    const headers = {
      'x-forwarded-for': '127.0.0.1',
      forwarded: 'for=127.0.0.1',
      'x-remote-user': 'system:admin',
      'kplug-connection': '1',
    };
    expect((await ask({ headers })).status).toBe(401);
  });

  it('probes need no token', async () => {
    for (const path of ['/healthz', '/readyz']) {
      const { status, body } = await ask({ path, isPlain: true });
      expect([status, body]).toEqual([200, 'ok\n']);
    }
  });

  // Without limits, each request with a random token is a request to the API server.
  it('a flood of invalid tokens causes few reviews and leaves local users served', async () => {
    const before = reviews;
    const statuses = new Set<number | undefined>();
    const unit = unitOfWork();
    const block = await longestBlock(async () => {
      for (let wave = 0; wave < 10; wave++) {
        const flood = Array.from({ length: 20 }, (_, one) => ask({ token: `stranger-${wave}-${one}` }));
        for (const { status } of await Promise.all(flood)) statuses.add(status);
        expect((await ask({ isPlain: true, to: '127.0.0.1' })).status).toBe(200);
      }
    });
    expect(statuses).toEqual(new Set([401, 429]));
    expect(reviews - before).toBeLessThan(100);
    expect(block / unit).toBeLessThan(maxBlock);
  });
});

describe('from the machine or pod itself', () => {
  it('loopback connections need no token, as port-forward makes them', async () => {
    expect((await ask({ isPlain: true, to: '127.0.0.1' })).status).toBe(200);
    expect((await ask({ to: '127.0.0.1' })).status).toBe(200);
  });

  it('shows that the heartbeat port is secured, by which certificates, and for whom', async () => {
    const { body } = await ask({ isPlain: true, to: '127.0.0.1', path: '/kplug.v1.SecurityService/GetSecurity' });
    const certificates = ['CA', 'SERVER', 'CALLER'].map((use) => ({
      use: `CERTIFICATE_USE_${use}`,
      issuer: 'CERTIFICATE_ISSUER_CONTROLLER',
      notBefore: expect.any(String),
      notAfter: expect.any(String),
    }));
    expect(JSON.parse(body)).toEqual({
      heartbeatSecurity: 'HEARTBEAT_SECURITY_SECURED',
      heartbeatAddress: controller.heartbeatAddress,
      identitySources: ['tokens of ServiceAccounts'],
      certificates,
    });
  });

  it.runIf(address !== undefined)('connections of the machine to its own address need no token', async () => {
    expect((await ask({ isPlain: true, from: address })).status).toBe(200);
  });
});
