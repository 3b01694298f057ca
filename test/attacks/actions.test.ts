// Attacks on the actions of the admin port of an operator on a cluster, from its own pod, as a port-forward comes, and from elsewhere.
import { startTimeout, TestCluster } from '@kplug/testing/control-plane';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { drainRight } from '../../packages/controller/src/admin/action-rights.ts';
import { adminRight } from '../../packages/controller/src/admin/authorize.ts';
import { Controller, registryOf } from '../../packages/controller/src/controller.ts';
import { openKubernetes } from '../../packages/controller/src/kubernetes.ts';
import { registrationOf } from '../../packages/controller/src/registry/testing.ts';

let cluster: TestCluster;
let namespace: string;
let controller: Controller;
const lines: { msg: string; user?: string }[] = [];

beforeAll(async () => {
  cluster = await TestCluster.connect();
  namespace = await cluster.namespace();
  const logger = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const resources = await openKubernetes({ kubeConfig: cluster.kubeConfig, namespace, logger });
  const ports = { heartbeatAddress: '127.0.0.1:0', adminAddress: '127.0.0.1:0' };
  const follow = { followDelegations: { operator: 'actions' } };
  controller = new Controller({ resources, delegations: [], ...follow, logger, allowActions: true, ...ports });
  await controller.start();
}, startTimeout);

afterAll(async () => {
  await controller?.stop();
  await cluster?.close();
});

/** Calls a method on loopback, as requests through a port-forward do. */
async function act(
  method: 'GetActions' | 'DrainInstance',
  headers: Record<string, string> = {},
  instanceId = 'one',
  { adminAddress } = controller,
) {
  const response = await fetch(`http://${adminAddress}/kplug.v1.ActionService/${method}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(method === 'DrainInstance' ? { instanceId } : {}),
  });
  const { code, message, drain } = (await response.json()) as { code?: string; message?: string; drain?: boolean };
  return { code, message, drain };
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/** Makes a user with rights. Returns a token, and the name of the user. */
async function userWith(
  name: string,
  rules: { resources: string[]; verbs: string[]; apiGroups?: string[] }[],
  where = namespace,
): Promise<{ user: string; headers: Record<string, string> }> {
  await cluster.apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } });
  const user = `system:serviceaccount:${namespace}:${name}`;
  const granted = rules.map((rule) => ({ apiGroups: [drainRight.group], ...rule }));
  if (granted.length > 0) await cluster.grant(user, where, granted);
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`;
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 600 } };
  const { status } = await cluster.request<{ status: { token: string } }>('POST', path, body);
  return { user, headers: bearer(status.token) };
}

const stateOf = (instanceId: string) => registryOf(controller).get(instanceId)?.state;

function registered(instanceId: string): string {
  registryOf(controller).register(registrationOf({ instanceId, plugin: `plugin-${instanceId}` }));
  return instanceId;
}

describe('on a cluster, the actions of the admin port', () => {
  // Otherwise whoever may forward a port to any pod of the namespace, and every process of the pod, stops plugins.
  it('are refused without a token, also on loopback, with advice', async () => {
    const id = registered('without-token');
    const { drain = false, message } = await act('GetActions');
    expect([drain, message]).toEqual([false, expect.stringMatching(/need the token of a user.*Authorization: Bearer/)]);
    expect((await act('DrainInstance', {}, id)).code).toBe('unauthenticated');
    const headers = { 'x-remote-user': 'system:admin', 'x-forwarded-for': '127.0.0.1', authorization: 'Basic YTpi' };
    expect((await act('DrainInstance', headers, id)).code).toBe('unauthenticated');
    expect(stateOf(id)).toBe('live');
  });

  it('are refused with a wrong token, and with a large one', async () => {
    const id = registered('wrong-token');
    expect((await act('DrainInstance', bearer('garbage'), id)).code).toBe('unauthenticated');
    expect((await act('DrainInstance', bearer('a'.repeat(20_000)), id)).code).toBe('unavailable');
    expect(stateOf(id)).toBe('live');
  });

  // Otherwise every reader of the port acts, and everybody whose token the API server knows.
  it('are refused to users without the right, whatever else they may do', async () => {
    const id = registered('without-right');
    const all = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'];
    const { headers, user } = await userWith('reader', [
      { resources: [adminRight.resource], verbs: [adminRight.verb] },
      { resources: ['plugins', 'plugins/status'], verbs: all },
      { resources: [drainRight.resource], verbs: all.filter((verb) => verb !== drainRight.verb) },
    ]);
    const { code, message } = await act('DrainInstance', headers, id);
    expect(code).toBe('permission_denied');
    expect(message).toContain(`"${user}" may not update plugins/drain.plugins.kplug.dev in the namespace ${namespace}`);
    const elsewhere = await userWith(
      'elsewhere',
      [{ resources: [drainRight.resource], verbs: [drainRight.verb] }],
      await cluster.namespace(),
    );
    expect((await act('DrainInstance', elsewhere.headers, id)).code).toBe('permission_denied');
    expect((await act('GetActions', elsewhere.headers)).message).toMatch(/may not update plugins\/drain/);
    // They learn nothing about what exists either.
    expect((await act('DrainInstance', headers, 'no-such-instance')).code).toBe('permission_denied');
    expect(stateOf(id)).toBe('live');
  });

  it('are performed for users with the right, and the log and the state of the instance say who it was', async () => {
    const id = registered('drained');
    const { headers, user } = await userWith('drainer', [
      { resources: [drainRight.resource], verbs: [drainRight.verb] },
    ]);
    // The authorizer of the API server learns of new rules a moment later.
    const allowed = async () => expect((await act('GetActions', headers)).drain).toBe(true);
    await vi.waitFor(allowed, { timeout: 60_000, interval: 500 });
    expect(await act('DrainInstance', headers, id)).toEqual({});
    expect(await act('DrainInstance', headers, id)).toEqual({});
    const reason = `drained by user "${user}" through the admin port`;
    expect(registryOf(controller).get(id)).toMatchObject({ state: 'draining', stateReason: reason });
    const own = lines.filter(({ user: known }) => known === `user "${user}"`);
    expect(own).toMatchObject([{ msg: expect.stringContaining(reason) }]);
    expect((await act('DrainInstance', headers, 'no-such-instance')).code).toBe('not_found');
    // The token of the user is of no use to a page of another site.
    const foreign = await fetch(`http://${controller.adminAddress}/kplug.v1.ActionService/DrainInstance`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json', origin: 'https://example.org' },
      body: JSON.stringify({ instanceId: registered('foreign') }),
    });
    expect([foreign.status, stateOf('foreign')]).toEqual([403, 'live']);
  });

  // A standby knows no instances, and would tell a user that none has the id.
  it('are refused by an operator that waits for leadership', async () => {
    const place = await cluster.namespace();
    const logger = pino({ level: 'silent' });
    const [leader, standby] = await Promise.all(
      [1, 2].map(async () => {
        const { kubeConfig } = cluster;
        const resources = await openKubernetes({ kubeConfig, namespace: place, logger, leaderElection: {} });
        const ports = { heartbeatAddress: '127.0.0.1:0', adminAddress: '127.0.0.1:0' };
        const follow = { followDelegations: { operator: 'actions' } };
        return new Controller({ resources, delegations: [], ...follow, logger, allowActions: true, ...ports });
      }),
    );
    if (!leader || !standby) throw new Error('a controller is missing');
    onTestFinished(async () => void (await Promise.all([leader.stop(), standby.stop()])));
    await leader.start();
    standby.start().catch(() => undefined);
    await vi.waitFor(() => expect(standby.adminAddress).not.toBe(''), { timeout: 20_000 });
    const rules = [{ resources: [drainRight.resource], verbs: [drainRight.verb] }];
    const { headers } = await userWith('drainer-of-standby', rules, place);
    const allowed = async () => expect((await act('GetActions', headers, '', leader)).drain).toBe(true);
    await vi.waitFor(allowed, { timeout: 60_000, interval: 500 });
    const { drain = false, message } = await act('GetActions', headers, '', standby);
    expect([drain, message]).toEqual([false, expect.stringMatching(/waits for leadership.*ask the one that leads/)]);
    expect((await act('DrainInstance', headers, 'one', standby)).code).toBe('failed_precondition');
  });
});
