import { createClient } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from '@connectrpc/connect-node';
import { Controller } from '@kplug/controller';
import { MemoryResources } from '@kplug/controller/memory';
import {
  DelegationService,
  EventService,
  EventType,
  HeartbeatSecurity,
  LoadService,
  RegistryService,
  SecurityService,
} from '@kplug/protocol';
import { TestOperator } from '@kplug/testing';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';

async function adminOperator() {
  const operator = await TestOperator.start({}, { adminAddress: '127.0.0.1:0' });
  return { operator, url: `http://${operator.controller.adminAddress}` };
}

describe('the admin port', () => {
  it('answers probes', async () => {
    const { url } = await adminOperator();
    for (const path of ['/healthz', '/readyz']) {
      const response = await fetch(url + path);
      expect([response.status, await response.text()]).toEqual([200, 'ok\n']);
    }
    const lost = await fetch(`${url}/nowhere`);
    expect(lost.status).toBe(404);
    expect(await lost.text()).toMatch(/try .*\/healthz/);
  });

  it('has metrics under the names of controller-runtime, and of plugins', async () => {
    const { operator, url } = await adminOperator();
    operator.table('users');
    await operator.plugin({ name: 'PostgreSQL' });
    await operator.expectReady('users');
    await operator.controller.whenIdle();
    const text = await (await fetch(`${url}/metrics`)).text();
    expect(text).toMatch(/^controller_runtime_reconcile_total\{controller="tables",result="settled"\} 1$/m);
    expect(text).toMatch(/^workqueue_depth\{name="tables"\} 0$/m);
    expect(text).toMatch(/^kplug_plugin_instances\{state="live"\} 1$/m);
    expect(text).toMatch(
      /^kplug_plugin_call_duration_seconds_count\{plugin="PostgreSQL",method="Reconcile",code="OK"\} 1$/m,
    );
    expect(text).toMatch(/^kplug_heartbeats_total\{way="session"\} \d+$/m);
  });

  it.each([
    ['Connect', (baseUrl: string) => createConnectTransport({ baseUrl, httpVersion: '1.1' })],
    ['gRPC', (baseUrl: string) => createGrpcTransport({ baseUrl })],
    ['gRPC-Web', (baseUrl: string) => createGrpcWebTransport({ baseUrl, httpVersion: '1.1' })],
  ])('shows the registry and the delegations over %s', async (_, transport) => {
    const { operator, url } = await adminOperator();
    operator.table('users', { preferredImplementation: 'MariaDB' });
    await operator.plugin({ name: 'PostgreSQL' });
    await operator.expectReady('users');
    const registry = createClient(RegistryService, transport(url));
    expect((await registry.listPlugins({})).instances).toMatchObject([{ registration: { plugin: 'PostgreSQL' } }]);
    const delegations = createClient(DelegationService, transport(url));
    expect((await delegations.listDelegations({})).delegations).toMatchObject([
      { name: 'tables', kind: 'Table', pluginApi: 'Table', pluginApiRange: '^1.0.0', resources: 1, ready: 1 },
    ]);
    expect((await delegations.listResources({})).resources).toMatchObject([
      { plugin: 'PostgreSQL', selectionReason: 'Fallback', generation: 1n, observedGeneration: 1n },
    ]);
    const explained = await delegations.explainResource({ kind: 'tables', namespace: 'default', name: 'users' });
    expect(explained).toMatchObject({
      preference: 'MariaDB',
      reason: 'Fallback',
      candidates: [{ plugin: 'PostgreSQL', chosen: true, readyInstances: 1, instances: 1, reason: 'Chosen' }],
    });
    expect(explained.events.map(({ event }) => event?.reason)).toContain('Ready');
    await expect(delegations.explainResource({ kind: 'Table', name: 'none' })).rejects.toThrow(
      /no delegated Table is named none/,
    );
  });

  it('shows the security of the heartbeat port and the owners of names', async () => {
    const { operator, url } = await adminOperator();
    const plugin = await operator.plugin({ name: 'PostgreSQL' });
    const security = createClient(SecurityService, createConnectTransport({ baseUrl: url, httpVersion: '1.1' }));
    expect(await security.getSecurity({})).toMatchObject({
      heartbeatSecurity: HeartbeatSecurity.LOOPBACK,
      heartbeatAddress: operator.controller.heartbeatAddress,
      allowsFirstKplug: false,
      identitySources: [],
      certificates: [],
      nameOwners: [{ plugin: 'postgresql', owner: 'local', instances: 1 }],
    });
    await plugin.stop();
    // The names of this machine's processes are free when these are gone.
    await expect.poll(async () => (await security.getSecurity({})).nameOwners).toEqual([]);
  });

  it('explains a resource by any form of its kind’s name', async () => {
    const base = { apiVersion: 'myorg.org/v1', kind: 'Policy' };
    const operator = await TestOperator.start({ name: 'access', base }, { adminAddress: '127.0.0.1:0' });
    operator.resources.apply({ ...base, metadata: { name: 'x' }, spec: {} });
    const transport = createConnectTransport({
      baseUrl: `http://${operator.controller.adminAddress}`,
      httpVersion: '1.1',
    });
    const client = createClient(DelegationService, transport);
    const explain = (kind: string) => client.explainResource({ kind, namespace: 'default', name: 'x' });
    for (const kind of [
      'Policy',
      'policy',
      'policies',
      'POLICIES',
      'policies.myorg.org',
      'policy.MyOrg.org',
      'access',
    ]) {
      expect((await explain(kind)).resource?.key).toBe('myorg.org/v1/Policy/default/x');
    }
    for (const kind of ['polic', 'policies.example.org', 'policies.']) {
      await expect(explain(kind)).rejects.toThrow(`no delegated ${kind} is named x`);
    }
  });

  it('streams changes of plugins', async () => {
    const { operator, url } = await adminOperator();
    const registry = createClient(RegistryService, createConnectTransport({ baseUrl: url, httpVersion: '1.1' }));
    const ending = new AbortController();
    const seen: string[] = [];
    const watching = (async () => {
      for await (const { event } of registry.watchPlugins({}, { signal: ending.signal })) {
        seen.push(event.case === 'instance' ? (event.value.registration?.plugin ?? '') : 'synced');
      }
    })().catch(() => undefined);
    await expect.poll(() => seen).toEqual(['synced']);
    await operator.plugin({ name: 'PostgreSQL' });
    await expect.poll(() => seen).toEqual(['synced', 'PostgreSQL']);
    ending.abort();
    await watching;
  });

  it('returns lists in pages, and refuses a malformed token', async () => {
    const { operator, url } = await adminOperator();
    for (const name of ['users', 'orders', 'items']) operator.table(name, {});
    for (const name of ['SQLite', 'MariaDB', 'PostgreSQL']) await operator.plugin({ name });
    const transport = createConnectTransport({ baseUrl: url, httpVersion: '1.1' });
    const registry = createClient(RegistryService, transport);
    const delegations = createClient(DelegationService, transport);
    const first = await registry.listPlugins({ pageSize: 2 });
    const second = await registry.listPlugins({ pageSize: 2, pageToken: first.nextPageToken });
    const pluginsOf = ({ instances }: typeof first) => instances.map(({ registration }) => registration?.plugin);
    expect([...pluginsOf(first), ...pluginsOf(second)]).toEqual(['MariaDB', 'PostgreSQL', 'SQLite']);
    expect(second.nextPageToken).toBe('');
    const page = await delegations.listResources({ pageSize: 2 });
    const rest = await delegations.listResources({ pageSize: 2, pageToken: page.nextPageToken });
    const names = [...page.resources, ...rest.resources].map(({ key }) => key.split('/').at(-1));
    expect(names).toEqual(['items', 'orders', 'users']);
    expect((await delegations.listDelegations({ pageSize: 1 })).nextPageToken).toBe('');
    for (const list of [registry.listPlugins, delegations.listResources, delegations.listDelegations]) {
      await expect(list({ pageToken: '?' })).rejects.toThrow(/page_token is malformed; send the next_page_token/);
    }
  });

  it('lists Events by resource, kind, delegation, namespace and type, in pages, and those that occur later', async () => {
    const { operator, url } = await adminOperator();
    const client = createClient(EventService, createConnectTransport({ baseUrl: url, httpVersion: '1.1' }));
    for (const name of ['users', 'orders']) operator.table(name, { preferredImplementation: 'MariaDB' });
    const namesOf = ({ events }: Awaited<ReturnType<typeof client.listEvents>>) =>
      events.map(({ event }) => `${event?.target.split('/').at(-1)} ${event?.reason}`);
    await expect.poll(async () => namesOf(await client.listEvents({}))).toEqual(['users NoPlugin', 'orders NoPlugin']);
    const first = await client.listEvents({ pageSize: 1 });
    expect([namesOf(first), first.followToken]).toEqual([['users NoPlugin'], '']);
    const second = await client.listEvents({ pageSize: 1, pageToken: first.nextPageToken });
    expect([namesOf(second), second.nextPageToken]).toEqual([['orders NoPlugin'], '']);
    const { followToken } = second;
    expect(namesOf(await client.listEvents({ pageToken: followToken }))).toEqual([]);

    await operator.plugin({ name: 'PostgreSQL' });
    await operator.expectReady('users');
    await operator.expectReady('orders');
    await operator.controller.whenIdle();
    const later = namesOf(await client.listEvents({ pageToken: followToken }));
    expect(later.toSorted()).toEqual(['orders Ready', 'users Ready']);
    for (const kind of ['Table', 'tables', 'table.myorg.org']) {
      const ofOne = await client.listEvents({ kind, namespace: 'default', name: 'users' });
      expect(namesOf(ofOne)).toEqual(['users NoPlugin', 'users Ready']);
    }
    expect(namesOf(await client.listEvents({ type: EventType.WARNING }))).toEqual([
      'users NoPlugin',
      'orders NoPlugin',
    ]);
    expect(namesOf(await client.listEvents({ namespace: 'elsewhere' }))).toEqual([]);

    await expect(client.listEvents({ kind: 'Table', namespace: 'default', name: 'none' })).rejects.toThrow(
      'no delegated Table is named none in the namespace default',
    );
    await expect(client.listEvents({ kind: 'Secret' })).rejects.toThrow(
      'no Events of Secret, which is not delegated; the operator reconciles Table',
    );
    await expect(client.listEvents({ pageToken: '?' })).rejects.toThrow('page_token is malformed');
  });

  it('lists Events from the beginning for a token of an operator that ran before', async () => {
    const [former, current] = [await adminOperator(), await adminOperator()];
    const clientOf = (baseUrl: string) =>
      createClient(EventService, createConnectTransport({ baseUrl, httpVersion: '1.1' }));
    for (const name of ['a', 'b']) former.operator.table(name);
    await expect.poll(async () => (await clientOf(former.url).listEvents({})).events.length).toBe(2);
    const { followToken } = await clientOf(former.url).listEvents({});
    current.operator.table('users');
    const list = async () => (await clientOf(current.url).listEvents({ pageToken: followToken })).events.length;
    await expect.poll(list).toBe(1);
  });

  it('shows the work of plugins and delegations, the busiest plugin first', async () => {
    const { operator, url } = await adminOperator();
    const client = createClient(LoadService, createConnectTransport({ baseUrl: url, httpVersion: '1.1' }));
    const release = Promise.withResolvers<void>();
    await operator.plugin({ name: 'Idle' });
    await operator.plugin({ name: 'Busy' });
    await operator.plugin({
      name: 'Broken',
      reconcile: () => {
        throw new Error('no database');
      },
    });
    const hanging = await operator.plugin({ name: 'Hanging', reconcile: () => release.promise });
    for (const name of ['a', 'b', 'c']) operator.table(name, { preferredImplementation: 'Busy' });
    for (const name of ['a', 'b', 'c']) await operator.expectReady(name, 'Busy');
    operator.table('d', { preferredImplementation: 'Broken' });
    operator.table('e', { preferredImplementation: 'Hanging' });
    const loadOf = async (name: string) => (await client.getLoad({})).plugins.find(({ plugin }) => plugin === name);
    await expect.poll(() => loadOf('Hanging')).toMatchObject({ inFlight: 1, recentCalls: { count: 0n } });
    await expect.poll(async () => (await loadOf('Broken'))?.recentPasses?.failed).toBeGreaterThan(0n);
    const measured = expect.objectContaining({ nanos: expect.any(Number) });
    expect(await loadOf('Busy')).toMatchObject({
      readyInstances: 1,
      instances: 1,
      inFlight: 0,
      recentPasses: { failed: 0n },
      recentCalls: { failed: 0n, p50: measured, p99: measured },
      totalCalls: { p50: measured },
      lastCallAt: expect.anything(),
    });
    const idle = await loadOf('Idle');
    expect(idle).toMatchObject({ inFlight: 0, recentCalls: { count: 0n }, totalCalls: { count: 0n } });
    expect([idle?.recentCalls?.p50, idle?.lastCallAt]).toEqual([undefined, undefined]);
    const { plugins, delegations, standby, dropped } = await client.getLoad({});
    expect(plugins.at(-1)?.plugin).toBe('Idle');
    expect(delegations).toMatchObject([{ delegation: 'tables', resources: 5, recentPasses: { p50: measured } }]);
    // The resource whose plugin hangs; the one whose plugin fails is tried again at times.
    await expect.poll(async () => (await client.getLoad({})).delegations[0]?.active).toBe(1);
    expect([standby, dropped]).toEqual([false, 0]);
    release.resolve();
    await operator.expectReady('e', 'Hanging');
    await hanging.stop();
    await expect.poll(() => loadOf('Hanging')).toMatchObject({ instances: 0, inFlight: 0, totalCalls: { count: 1n } });
  });

  it('serves no methods that change state', async () => {
    const { url } = await adminOperator();
    const response = await fetch(`${url}/kplug.v1.RegistryService/Deregister`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"instanceId":"x"}',
    });
    expect(response.status).toBe(501);
  });
});

describe('a controller', () => {
  const options = (given: { heartbeatAddress?: string; adminAddress?: string } = {}) => ({
    resources: new MemoryResources(),
    delegations: [{ name: 'tables', base: { apiVersion: 'myorg.org/v1', kind: 'Table' }, api: 'Table' }],
    heartbeatAddress: '127.0.0.1:0',
    adminAddress: '127.0.0.1:0',
    logger: pino({ level: 'silent' }),
    ...given,
  });

  it('reports which port is in use', async () => {
    const { operator, url } = await adminOperator();
    const heartbeatAddress = operator.controller.heartbeatAddress;
    await expect(new Controller(options({ heartbeatAddress })).start()).rejects.toMatchObject({
      code: 'PortInUse',
      message: expect.stringContaining(`can't listen on heartbeatAddress ${heartbeatAddress}`),
    });
    const adminAddress = url.replace('http://', '');
    await expect(new Controller(options({ adminAddress })).start()).rejects.toMatchObject({
      code: 'PortInUse',
      message: expect.stringContaining(`can't listen on adminAddress ${adminAddress}`),
    });
  });

  it.each([
    ['no delegation', [], /no delegation is declared/],
    [
      'an unknown field',
      [{ ...options().delegations[0], prefered: 1 }],
      /delegation "tables" is malformed: .*prefered/,
    ],
    [
      'a malformed range',
      [{ ...options().delegations[0], api: 'Table@latest' }],
      /"Table@latest" has a malformed version range/,
    ],
    ['a malformed duration', [{ ...options().delegations[0], deadline: 'soon' }], /deadline: "soon" is not a duration/],
    ['a duplicate name', [...options().delegations, ...options().delegations], /two delegations are named "tables"/],
  ])('refuses %s', (_, delegations, message) => {
    const construct = () => new Controller({ ...options(), delegations: delegations as never });
    expect(construct).toThrow(
      expect.objectContaining({ code: 'InvalidConfiguration', message: expect.stringMatching(message) }),
    );
  });
});
