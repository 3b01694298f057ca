import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as grpc from '@grpc/grpc-js';
import { openDirectory } from '@kplug/controller/directory';
import {
  assembleParts,
  type ControllerParts,
  issueAuthority,
  issueLeaf,
  ManagedCertificates,
  PluginChannels,
} from '@kplug/controller/internal';
import { MemoryResources } from '@kplug/controller/memory';
import { createGrpcClient, PluginService, RegistryService } from '@kplug/protocol';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type KeyPair, selfSigned, TlsPlugin } from './tls-plugin.ts';

const days = 86_400_000;
const minutes = 60_000;
const waiting = { timeout: 20_000, interval: 10 };
const names = { dns: ['localhost', 'kplug.kplug-system.svc'], ips: ['127.0.0.1'] };
const log = pino({ level: 'silent' });

/** Certificates of an operator in the files of a directory, with a clock that the test sets. */
async function makeCertificates({ ago = 0 } = {}) {
  const directory = await mkdtemp(join(tmpdir(), 'kplug-certificates-'));
  const resources = await openDirectory({ directory, logger: log });
  onTestFinished(async () => {
    await resources.close();
    await rm(directory, { recursive: true });
  });
  const store = resources.services?.certificates;
  if (!store) throw new Error('the directory stores no certificates');
  const clock = { ago };
  const certificates = new ManagedCertificates({ store, names, log, now: () => Date.now() - clock.ago, interval: 1e9 });
  await certificates.start();
  onTestFinished(() => certificates.stop());
  return { certificates, clock, store };
}

/** Operator's part that calls plugins. */
function makeCaller(certificates: ManagedCertificates | undefined, allowsPlainText = false): ControllerParts {
  const resources = new MemoryResources();
  const delegations = [{ name: 'tables', base: { apiVersion: 'example.org/v1', kind: 'Table' }, api: 'Table@^1.0.0' }];
  const security = new PluginChannels({ certificates, allowsPlainText: () => allowsPlainText });
  const parts = assembleParts(
    { resources, delegations, connections: { openTimeout: 2_000 } },
    log,
    undefined,
    security,
  );
  onTestFinished(async () => {
    parts.connections.close();
    parts.registry.close();
    parts.clock[Symbol.dispose]();
    await resources.close();
  });
  return parts;
}

let uid = 0;

/** Calls `Reconcile` of the plugin for another resource. */
function reconcile({ caller, registry }: ControllerParts) {
  const [implementation] = registry.implementations('Table');
  if (!implementation) throw new Error('no plugin is registered');
  const name = `t${++uid}`;
  const call = {
    base: { apiVersion: 'example.org/v1', kind: 'Table', metadata: { namespace: 'a', name, uid: name } },
    extensions: new Map(),
    dependents: new Map(),
    required: new Map(),
    assignment: { delegation: 'tables', api: 'Table', apiVersion: '1.0.0', reason: '', message: '' },
    attempt: 1,
    maxStatusSize: 1_000,
    v0: { calls: 'createAlways', concurrency: 1 },
  } as const;
  return caller.reconcile(implementation, call as never, 10_000);
}

/** Makes calls until `during` is done and at least `count` were made. Returns their number; each of them must succeed. */
async function callDuring(parts: ControllerParts, during: () => Promise<void>, count = 1_000): Promise<number> {
  let isDone = false;
  let made = 0;
  const lanes = Array.from({ length: 8 }, async () => {
    while (!isDone || made < count) {
      made++;
      expect(await reconcile(parts)).toMatchObject({ outcome: 'success' });
    }
  });
  const all = Promise.all(lanes);
  await Promise.race([all, vi.waitFor(() => expect(made).toBeGreaterThan(50), waiting)]);
  await Promise.race([all, during()]);
  isDone = true;
  await all;
  return made;
}

/** Checks that the instance that was registered is unreachable, and why. */
async function expectUnreachable(parts: ControllerParts, instanceId: string, reason: string | RegExp) {
  const instance = parts.registry.get(instanceId);
  if (!instance) throw new Error('the instance is not registered');
  expect(await parts.connections.check(instance)).toBe(false);
  expect(instance).toMatchObject({ state: 'suspect', suspectReason: 'Unreachable' });
  expect(instance.stateReason).toMatch(reason);
}

/** Checks that an honest plugin beside the attack is called. */
async function expectHonestCall(parts: ControllerParts, ca: string): Promise<void> {
  const honest = await TlsPlugin.serve('honest', { pair: await selfSigned(), ca });
  parts.registry.register(honest.registration());
  await expect(reconcile(parts)).resolves.toMatchObject({ outcome: 'success' });
  expect(honest.calls).toBe(1);
  expect(honest.callers).toEqual(['URI:kplug://caller']);
}

describe('the operator calls only the plugin that registered', () => {
  it('not another plugin at its address, and other plugins see no connection error', async () => {
    // Otherwise whoever takes over the address of a pod that is gone is handed its resources.
    const { certificates } = await makeCertificates();
    const parts = makeCaller(certificates);
    const ca = certificates.caBundle();
    const thief = await TlsPlugin.serve('victim', { pair: await selfSigned(), ca });
    parts.registry.register(thief.registration(await selfSigned()));
    await expectUnreachable(parts, 'victim', /^it presents another certificate than the one it registered$/);
    await parts.heartbeats.listen('127.0.0.1:0');
    onTestFinished(() => parts.heartbeats.close());
    const other = createGrpcClient(RegistryService, parts.heartbeats.address, grpc.credentials.createInsecure());
    onTestFinished(() => other.$client.close());
    const { instances } = await other.listPlugins({});
    expect(instances.map(({ stateReason }) => stateReason)).toEqual(['it is unreachable or not serving']);
    await expectHonestCall(parts, ca);
    expect(thief.calls).toBe(0);
    expect(thief.callers).toEqual([]);
  });

  it('not one whose certificate has the same names and was issued by the same CA', async () => {
    // Otherwise any plugin with a certificate of the same company CA passes for any other.
    const { certificates } = await makeCertificates();
    const parts = makeCaller(certificates);
    const now = Date.now();
    const company = { ...(await issueAuthority(now)), notAfter: now + 300 * days };
    const [own, other] = [
      await issueLeaf('server', company, names, now),
      await issueLeaf('server', company, names, now),
    ];
    const ca = certificates.caBundle();
    const thief = await TlsPlugin.serve('victim', { pair: other, ca });
    parts.registry.register(thief.registration(own));
    await expectUnreachable(parts, 'victim', /^it presents another certificate than the one it registered$/);
    expect(thief.calls).toBe(0);
    // The certificate of a CA works if it is the registered one.
    thief.change({ pair: own });
    parts.registry.register(thief.registration(own));
    await vi.waitFor(() => expect(parts.registry.get('victim')?.state).toBe('live'), waiting);
    await reconcile(parts);
    expect(thief.calls).toBe(1);
  });

  it('not one whose certificate was issued by the registered one', async () => {
    // Otherwise a plugin that registers the certificate of a CA is anyone to whom that CA issued one.
    const { certificates } = await makeCertificates();
    const parts = makeCaller(certificates);
    const company = { ...(await issueAuthority(Date.now())), notAfter: Date.now() + 300 * days };
    const pair = await issueLeaf('server', company, names, Date.now());
    const thief = await TlsPlugin.serve('victim', { pair, ca: certificates.caBundle() });
    parts.registry.register(thief.registration(company));
    await expectUnreachable(parts, 'victim', /^it presents another certificate than the one it registered$/);
    expect(thief.calls).toBe(0);
  });

  it('not one whose certificate has expired or is not valid yet', async () => {
    // Otherwise a key that leaked from a former pod is good for ever.
    const { certificates } = await makeCertificates();
    const parts = makeCaller(certificates);
    const ca = certificates.caBundle();
    const expired = await selfSigned(Date.now() - 400 * days, 390 * days);
    const early = await selfSigned(Date.now() + 10 * days);
    const former = await TlsPlugin.serve('former', { pair: expired, ca });
    const future = await TlsPlugin.serve('future', { pair: early, ca });
    parts.registry.register(former.registration());
    parts.registry.register(future.registration());
    await expectUnreachable(parts, 'former', /^its certificate expired at \d{4}-.*; renew it, or restart the plugin$/);
    await expectUnreachable(parts, 'future', /^its certificate is not valid before \d{4}-/);
    await expectHonestCall(parts, ca);
    expect([former.calls, future.calls]).toEqual([0, 0]);
  });

  it('not one without a certificate, unless plain text is allowed', async () => {
    // Otherwise an attacker on the network reads every resource, and answers for the plugin.
    const { certificates } = await makeCertificates();
    const parts = makeCaller(certificates);
    const { certificate: _, ...registration } = (
      await TlsPlugin.serve('plain', { pair: await selfSigned(), ca: certificates.caBundle() })
    ).registration();
    parts.registry.register(registration);
    await expectUnreachable(parts, 'plain', /it registered no certificate, .*KPLUG_TLS_CA.*--insecure/);
    await expectHonestCall(parts, certificates.caBundle());
  });

  it('not one that serves plain text although it registered a certificate', async () => {
    // Otherwise whoever answers at the address strips the encryption.
    const { certificates } = await makeCertificates();
    const parts = makeCaller(certificates, true);
    const server = new grpc.Server();
    const port = await new Promise<number>((resolve) => {
      server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (_, bound) => resolve(bound));
    });
    onTestFinished(() => server.forceShutdown());
    const pair = await selfSigned();
    const plugin = await TlsPlugin.serve('stripped', { pair, ca: certificates.caBundle() });
    parts.registry.register({ ...plugin.registration(), address: `127.0.0.1:${port}` });
    await expectUnreachable(parts, 'stripped', /it serves no TLS 1.3 at its address/);
  });

  it('not without certificates of its own', async () => {
    const { certificates } = await makeCertificates();
    const parts = makeCaller(undefined);
    const plugin = await TlsPlugin.serve('one', { pair: await selfSigned(), ca: certificates.caBundle() });
    parts.registry.register(plugin.registration());
    await expectUnreachable(parts, 'one', /this controller has no certificates/);
  });
});

describe('the operator calls only the plugin that a user declared', () => {
  const now = Date.now();

  async function declare(name: string, { wrongCa = false } = {}) {
    const { certificates } = await makeCertificates();
    const parts = makeCaller(certificates);
    const company = { ...(await issueAuthority(now)), notAfter: now + 300 * days };
    const pair = await issueLeaf('server', company, { dns: ['sqlite.databases.svc'], ips: [] }, now);
    const plugin = await TlsPlugin.serve('one', { pair, ca: certificates.caBundle() });
    const { certificate: _, ...registration } = plugin.registration();
    const caBundle = wrongCa ? (await issueAuthority(now)).cert : company.cert;
    const tls = { caBundle, serverName: name };
    const declaration = { source: 'service', namespace: 'databases', name: 'sqlite', tls } as const;
    parts.registry.register({ ...registration, declaration });
    return { parts, plugin };
  }

  it('which presents a certificate of the declared CA for the declared name', async () => {
    const { parts, plugin } = await declare('sqlite.databases.svc');
    await reconcile(parts);
    expect(plugin.callers[0]).toBe('URI:kplug://caller');
  });

  it('not one with a certificate of another CA', async () => {
    // Otherwise whoever answers at the address is believed to be the plugin.
    const { parts, plugin } = await declare('sqlite.databases.svc', { wrongCa: true });
    await expectUnreachable(parts, 'one', /^its certificate was not issued by a CA of its declaration$/);
    expect(plugin.calls).toBe(0);
  });

  it('not one with a certificate for another name', async () => {
    // Otherwise each server of the company passes for each other.
    const { parts, plugin } = await declare('mariadb.databases.svc');
    await expectUnreachable(parts, 'one', /^its certificate is for another name than the declared one$/);
    expect(plugin.calls).toBe(0);
  });
});

describe('a plugin lets in only the operator', () => {
  const now = Date.now();

  /** Calls a plugin with a client certificate. */
  async function call(plugin: TlsPlugin, client: KeyPair | undefined): Promise<unknown> {
    const root = Buffer.from(
      new X509Certificate(Buffer.from(plugin.registration().certificate ?? '', 'base64')).toString(),
    );
    const [key, cert] = client ? [Buffer.from(client.key), Buffer.from(client.cert)] : [null, null];
    const credentials = grpc.credentials.createSsl(root, key, cert, { checkServerIdentity: () => undefined });
    const options = { 'grpc.ssl_target_name_override': 'plugin.kplug.dev' };
    const stub = createGrpcClient(PluginService, `127.0.0.1:${plugin.port}`, credentials, options);
    onTestFinished(() => stub.$client.close());
    return stub.getInfo({}, { deadline: Date.now() + 5_000 });
  }

  it.each(['no certificate', 'one of another CA', 'an expired one', 'the certificate of the heartbeat port'])(
    'not a client with %s',
    async (what) => {
      // Otherwise any pod that reaches a plugin reads and changes what it manages.
      const { certificates, store } = await makeCertificates();
      const ca = certificates.caBundle();
      const data = (await store.read())?.data ?? {};
      const own = { key: data['ca.key'] ?? '', cert: ca, notAfter: now + 300 * days };
      const stranger = { ...(await issueAuthority(now)), notAfter: now + 300 * days };
      const client = {
        'no certificate': undefined,
        'one of another CA': await issueLeaf('caller', stranger, names, now),
        'an expired one': await issueLeaf('caller', own, names, now - 31 * days),
        // It is for servers only.
        'the certificate of the heartbeat port': certificates.current(),
      }[what];
      const plugin = await TlsPlugin.serve('one', { pair: await selfSigned(), ca });
      await expect(call(plugin, client)).rejects.toMatchObject({ code: grpc.status.UNAVAILABLE });
      expect(plugin.callers).toEqual([]);
      await expect(call(plugin, certificates.caller())).resolves.toMatchObject({ plugin: 'Tls' });
    },
  );

  it('and the operator reports that it was refused', async () => {
    const { certificates } = await makeCertificates();
    const parts = makeCaller(certificates);
    const other = await issueAuthority(now);
    const plugin = await TlsPlugin.serve('one', { pair: await selfSigned(), ca: other.cert });
    parts.registry.register(plugin.registration());
    await expectUnreachable(parts, 'one', /refuses the operator's certificate; .*KPLUG_TLS_CA/);
  });
});

describe('no call is lost while certificates rotate', () => {
  it("the operator's CA and its certificate for calls", async () => {
    // The CA is made 250 days ago, so that it is due now; a plugin reads the published bundle a moment later than it changes.
    const { certificates, clock, store } = await makeCertificates({ ago: 250 * days });
    clock.ago = 11 * minutes;
    const parts = makeCaller(certificates);
    const plugin = await TlsPlugin.serve('one', { pair: await selfSigned(), ca: certificates.caBundle() });
    // The certificates of that time have expired.
    const former = new X509Certificate(certificates.caBundle());
    await certificates.check();
    parts.registry.register(plugin.registration());
    const instance = parts.registry.get('one');
    if (!instance) throw new Error('the plugin is not registered');
    const caller = () => new X509Certificate(certificates.caller().cert);
    expect(caller().checkIssued(former)).toBe(true);
    await callDuring(parts, async () => {
      // The plugin has the old bundle, and later the new one.
      expect((await store.read())?.data['next-ca.published']).toBeDefined();
      for (let connection = 0; connection < 5; connection++) await parts.connections.check(instance);
      plugin.change({ ca: certificates.caBundle() });
      for (let connection = 0; connection < 5; connection++) await parts.connections.check(instance);
      const stale = certificates.caller();
      clock.ago = 0;
      await certificates.check();
      expect(caller().checkIssued(former)).toBe(false);
      for (let connection = 0; connection < 5; connection++) await parts.connections.check(instance);
      // Another replica hasn't noticed the renewal yet, when the plugin reads the bundle again.
      plugin.change({ ca: certificates.caBundle() });
      const source = Object.create(certificates) as ManagedCertificates;
      source.caller = () => stale;
      const other = makeCaller(source);
      other.registry.register(plugin.registration());
      await reconcile(other);
    });
    expect(instance.state).toBe('live');
    expect(plugin.callers.length).toBeGreaterThan(15);
  });

  it('the certificate of the plugin', async () => {
    const { certificates } = await makeCertificates();
    const parts = makeCaller(certificates);
    const ca = certificates.caBundle();
    const plugin = await TlsPlugin.serve('one', { pair: await selfSigned(), ca });
    parts.registry.register(plugin.registration());
    const made = await callDuring(parts, async () => {
      for (let rotation = 0; rotation < 20; rotation++) {
        plugin.change({ pair: await selfSigned() });
        parts.registry.register(plugin.registration());
        const before = plugin.calls;
        await vi.waitFor(() => expect(plugin.calls).toBeGreaterThan(before + 5), waiting);
      }
    });
    expect(made).toBeGreaterThanOrEqual(1_000);
    expect(plugin.callers.length).toBeGreaterThan(15);
    expect(parts.connections.size).toBe(1);
  });

  it('a connection whose certificate expires, while there is no newer one, serves until then', async () => {
    // Otherwise such connections are replaced all the time.
    const { certificates } = await makeCertificates();
    const parts = makeCaller(certificates);
    const pair = await selfSigned(Date.now() - 1_000, 5_000);
    const plugin = await TlsPlugin.serve('one', { pair, ca: certificates.caBundle() });
    parts.registry.register(plugin.registration());
    await reconcile(parts);
    const instance = parts.registry.get('one');
    await vi.waitFor(() => expect(instance?.stateReason).toMatch(/^its certificate expired at/), waiting);
    expect(plugin.callers).toHaveLength(1);
    await expect(reconcile(parts)).rejects.toMatchObject({ code: 'PluginUnavailable' });
  });

  it('a connection whose certificate expires, when there is a newer one', async () => {
    // Otherwise a connection outlives the proof that it was opened with.
    const { certificates, store } = await makeCertificates();
    const now = Date.now();
    const data = (await store.read())?.data ?? {};
    const own = { key: data['ca.key'] ?? '', cert: certificates.caBundle(), notAfter: now + 300 * days };
    const ending = await issueLeaf('caller', { ...own, notAfter: now + 2 * minutes }, names, now);
    const source = Object.create(certificates) as ManagedCertificates;
    let pair = ending;
    source.caller = () => pair;
    const parts = makeCaller(source);
    const plugin = await TlsPlugin.serve('one', { pair: await selfSigned(), ca: certificates.caBundle() });
    parts.registry.register(plugin.registration());
    await callDuring(
      parts,
      async () => {
        pair = certificates.caller();
        expect(plugin.callers.length).toBe(1);
        await vi.waitFor(() => expect(plugin.callers.length).toBe(2), waiting);
      },
      0,
    );
  });
});
