import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:tls';
import { RefusalReason } from '@kplug/protocol';
import { definePlugin, type RunningPlugin, type ServeOptions } from '@kplug/sdk';
import { TestCa } from '@kplug/testing/certificates';
import { FakeRegistry } from '@kplug/testing/fake-registry';
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { SecuredOperator } from './attacks/secured-operator.ts';
import { mountedFolder } from './mounted-folder.ts';

const waiting = { timeout: 20_000, interval: 10 };

let ca: TestCa;
let stranger: TestCa;

beforeAll(async () => {
  [ca, stranger] = await Promise.all([TestCa.create(), TestCa.create('stranger')]);
});

/** Serves a plugin. Resolves to it, and to the lines that it logged at `warn` and above. */
async function serve(options: ServeOptions): Promise<{ plugin: RunningPlugin; warnings: string[] }> {
  const warnings: string[] = [];
  const write = process.stdout.write.bind(process.stdout);
  const spy = vi.spyOn(process.stdout, 'write').mockImplementation((chunk, ...rest) => {
    const text = String(chunk);
    if (!text.startsWith('{"level"')) return write(chunk, ...(rest as []));
    warnings.push(text);
    return true;
  });
  onTestFinished(() => spy.mockRestore());
  const plugin = await definePlugin({
    name: 'Plain',
    version: '1.0.0',
    api: 'Table@1.0.0',
    reconcile: () => undefined,
  }).serve({ logLevel: 'warn', handleSignals: false, ...options });
  onTestFinished(() => plugin.stop());
  return { plugin, warnings };
}

const registered = (plugin: RunningPlugin) => vi.waitFor(() => expect(plugin.registered).toBe(true), waiting);

describe('with TLS, a plugin', () => {
  it('registers its certificate, a token and a secret, and deregisters with them', async () => {
    const files = await mountedFolder();
    await files.write({ 'ca.crt': ca.certificate, token: 'one\n' });
    const registry = await FakeRegistry.start({ tls: await ca.server() });
    const { plugin } = await serve({
      controller: registry.address(),
      tlsCa: files.path('ca.crt'),
      tokenFile: files.path('token'),
    });
    await registered(plugin);
    await plugin.stop();
    const [{ registration, secret } = {}, ...others] = registry.messages;
    expect(registration?.certificate.length).toBeGreaterThan(200);
    expect(secret).toMatch(/^[\w-]{43}$/);
    expect(registry.messages.map(({ token }) => token)).toEqual(['one', 'one']);
    expect(others).toMatchObject([{ rpc: 'Deregister', secret }]);
  });

  it('presents an issued certificate to the controller, and registers it', async () => {
    const files = await mountedFolder();
    const issued = await ca.issue({ usage: 'both', uris: ['spiffe://example.org/plugin'] });
    await files.write({ 'ca.crt': ca.certificate, 'tls.crt': issued.certificate, 'tls.key': issued.key });
    const registry = await FakeRegistry.start({ tls: await ca.server(), clientCa: ca.certificate });
    const { plugin } = await serve({
      controller: registry.address('localhost'),
      tlsCa: files.path('ca.crt'),
      tlsCert: files.path('tls.crt'),
      tlsKey: files.path('tls.key'),
    });
    await registered(plugin);
    const [message] = registry.messages;
    expect(message?.client).toBe('leaf');
    expect(Buffer.from(message?.registration?.certificate ?? []).equals(issued.der)).toBe(true);
  });

  it.each([
    ['another name', { dnsNames: ['other.example'], ipAddresses: [] }, /KPLUG_TLS_SERVER_NAME/],
    ['an expired certificate', { from: -7_200_000, until: -3_600_000 }, /has expired.*check the clocks/],
    ['a certificate for clients', { usage: 'client' as const }, /KPLUG_TLS_CA/],
  ])('refuses a controller with %s', async (_, leaf, message) => {
    const files = await mountedFolder();
    await files.write({ 'ca.crt': ca.certificate, token: 'secret-token' });
    const registry = await FakeRegistry.start({ tls: await ca.server(leaf) });
    const { plugin, warnings } = await serve({
      controller: registry.address(),
      tlsCa: files.path('ca.crt'),
      tokenFile: files.path('token'),
    });
    await vi.waitFor(() => expect(warnings.join('')).toMatch(message), waiting);
    expect(plugin.registered).toBe(false);
    expect(registry.messages).toEqual([]);
  });

  it('refuses the controller of another CA once in its log, and registers when its CA bundle is mended', async () => {
    const files = await mountedFolder();
    await files.write({ 'ca.crt': ca.certificate });
    const registry = await FakeRegistry.start({ tls: await stranger.server() });
    const { plugin, warnings } = await serve({ controller: registry.address(), tlsCa: files.path('ca.crt') });
    await vi.waitFor(
      () => expect(warnings.join('')).toMatch(/127\.0\.0\.1\\" was not issued by a CA of KPLUG_TLS_CA/),
      waiting,
    );
    await files.write({ 'ca.crt': ca.certificate + stranger.certificate });
    await registered(plugin);
    expect(warnings.filter((line) => line.includes('KPLUG_TLS_CA'))).toHaveLength(1);
  });

  it('explains that the controller speaks plain text, and sends it nothing', async () => {
    const files = await mountedFolder();
    await files.write({ 'ca.crt': ca.certificate });
    const registry = await FakeRegistry.start();
    const { warnings } = await serve({ controller: registry.address(), tlsCa: files.path('ca.crt') });
    await vi.waitFor(() => expect(warnings.join('')).toMatch(/does not speak TLS 1\.3/), waiting);
    expect(registry.messages).toEqual([]);
  });

  it('explains that the controller requires TLS', async () => {
    const operator = await SecuredOperator.start();
    const { warnings } = await serve({ controller: operator.address, insecure: true });
    await vi.waitFor(
      () => expect(warnings.join('')).toMatch(/requires TLS; set KPLUG_TLS_CA .* KPLUG_INSECURE/),
      waiting,
    );
  });

  it('refuses a controller with TLS 1.2', async () => {
    const files = await mountedFolder();
    await files.write({ 'ca.crt': ca.certificate });
    const { certificate, key } = await ca.server();
    const server = createServer({ cert: certificate, key, maxVersion: 'TLSv1.2', ALPNProtocols: ['h2'] }).listen(0);
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const { warnings } = await serve({ controller: `127.0.0.1:${port}`, tlsCa: files.path('ca.crt') });
    await vi.waitFor(() => expect(warnings.join('')).toMatch(/does not speak TLS 1\.3/), waiting);
  });

  it('keeps its certificate if the next one is too weak', async () => {
    const files = await mountedFolder();
    const first = await ca.issue({ usage: 'both' });
    await files.write({ 'ca.crt': ca.certificate, 'tls.crt': first.certificate, 'tls.key': first.key });
    const registry = await FakeRegistry.start({ tls: await ca.server() });
    const { plugin, warnings } = await serve({
      controller: registry.address(),
      tlsCa: files.path('ca.crt'),
      tlsCert: files.path('tls.crt'),
      tlsKey: files.path('tls.key'),
    });
    await registered(plugin);
    const weak = await ca.issue({ keySize: 512 });
    await files.write({ 'tls.crt': weak.certificate, 'tls.key': weak.key });
    await vi.waitFor(() => expect(warnings.join('')).toMatch(/can't be used.*using the previous/), waiting);
    const { beats } = registry;
    await vi.waitFor(() => expect(registry.beats).toBeGreaterThan(beats + 2), waiting);
    expect(registry.sessionCounts).toEqual([1]);
  });

  it('accepts the name that it is told to expect', async () => {
    const files = await mountedFolder();
    await files.write({ 'ca.crt': ca.certificate });
    const tls = await ca.server({ dnsNames: ['kplug.kplug-system.svc'], ipAddresses: [] });
    const registry = await FakeRegistry.start({ tls });
    const { plugin } = await serve({
      controller: registry.address(),
      tlsCa: files.path('ca.crt'),
      tlsServerName: 'kplug.kplug-system.svc',
    });
    await registered(plugin);
  });

  it('waits for a CA bundle and a token that appear later, with one warning for each', async () => {
    const files = await mountedFolder();
    const registry = await FakeRegistry.start({ tls: await ca.server() });
    const { plugin, warnings } = await serve({
      controller: registry.address(),
      tlsCa: files.path('ca.crt'),
      tokenFile: files.path('token'),
    });
    await vi.waitFor(() => expect(warnings).toHaveLength(2), waiting);
    await files.write({ token: 'one' });
    await files.write({ 'ca.crt': 'not yet\n' });
    await vi.waitFor(() => expect(warnings.join('')).toContain('no certificate in PEM'), waiting);
    expect(plugin.registered).toBe(false);
    await files.write({ 'ca.crt': ca.certificate });
    await registered(plugin);
    expect(warnings).toHaveLength(3);
    expect(warnings.join('')).toMatch(/ca\.crt does not exist/);
    expect(warnings.join('')).toMatch(/token does not exist/);
  });
});

describe('rotation', () => {
  it.each(['token', 'CA bundle', 'certificate'])('of the %s replaces the session before it ends', async (changed) => {
    const files = await mountedFolder();
    const [first, second] = await Promise.all([ca.issue({ usage: 'both' }), ca.issue({ usage: 'both' })]);
    await files.write({
      token: 'one',
      'ca.crt': ca.certificate,
      'tls.crt': first.certificate,
      'tls.key': first.key,
    });
    const registry = await FakeRegistry.start({ tls: await ca.server() });
    const { plugin, warnings } = await serve({
      controller: registry.address(),
      tlsCa: files.path('ca.crt'),
      tlsCert: files.path('tls.crt'),
      tlsKey: files.path('tls.key'),
      tokenFile: files.path('token'),
    });
    await registered(plugin);
    if (changed === 'token') await files.write({ token: 'two' });
    if (changed === 'CA bundle') await files.write({ 'ca.crt': ca.certificate + stranger.certificate });
    if (changed === 'certificate') await files.write({ 'tls.crt': second.certificate, 'tls.key': second.key });
    await vi.waitFor(() => expect(registry.sessionCounts).toEqual([1, 2, 1]), waiting);
    const [before, after] = registry.registrations;
    expect(after?.secret).toBe(before?.secret);
    expect(after?.registration?.instanceId).toBe(before?.registration?.instanceId);
    expect(after?.token).toBe(changed === 'token' ? 'two' : 'one');
    const expected = changed === 'certificate' ? second.der : first.der;
    expect(Buffer.from(after?.registration?.certificate ?? []).equals(expected)).toBe(true);
    const { beats } = registry;
    await vi.waitFor(() => expect(registry.beats).toBeGreaterThan(beats + 2), waiting);
    expect(plugin.registered).toBe(true);
    expect(warnings).toEqual([]);
  });

  it('to a token that the controller refuses keeps the session', async () => {
    const files = await mountedFolder();
    await files.write({ token: 'good' });
    const refusal = { reason: RefusalReason.UNAUTHENTICATED, message: 'the token is unknown' };
    const registry = await FakeRegistry.start({
      refuse: ({ token }) => (token?.startsWith('good') ? undefined : refusal),
    });
    const { plugin, warnings } = await serve({ controller: registry.address(), tokenFile: files.path('token') });
    await registered(plugin);
    await files.write({ token: 'bad' });
    await vi.waitFor(() => expect(registry.sessionCounts).toEqual([1, 2, 1]), waiting);
    const { beats } = registry;
    await vi.waitFor(() => expect(registry.beats).toBeGreaterThan(beats + 2), waiting);
    expect(plugin.registered).toBe(true);
    expect(warnings.join('')).toMatch(/the token is unknown; the previous session continues/);
    await files.write({ token: 'good-again' });
    await vi.waitFor(() => expect(registry.registrations.at(-1)?.token).toBe('good-again'), waiting);
    await vi.waitFor(() => expect(registry.sessionCounts).toEqual([1, 2, 1, 2, 1]), waiting);
  });

  it('of certificate and key, one after the other, uses them when they belong together', async () => {
    const files = await mountedFolder();
    const [first, second] = await Promise.all([ca.issue({ usage: 'both' }), ca.issue({ usage: 'both' })]);
    await files.write({ 'ca.crt': ca.certificate, 'tls.crt': first.certificate, 'tls.key': first.key });
    const registry = await FakeRegistry.start({ tls: await ca.server() });
    const { plugin, warnings } = await serve({
      controller: registry.address(),
      tlsCa: files.path('ca.crt'),
      tlsCert: files.path('tls.crt'),
      tlsKey: files.path('tls.key'),
    });
    await registered(plugin);
    await files.write({ 'tls.crt': second.certificate });
    await vi.waitFor(() => expect(warnings.join('')).toMatch(/does not belong.*using the previous/), waiting);
    await files.write({ 'tls.key': second.key });
    await vi.waitFor(() => expect(registry.registrations).toHaveLength(2), waiting);
    expect(Buffer.from(registry.registrations[1]?.registration?.certificate ?? []).equals(second.der)).toBe(true);
    expect(registry.sessionCounts).not.toContain(0);
  });

  it('of the token is used by the next unary heartbeat, too', async () => {
    const files = await mountedFolder();
    await files.write({ token: 'one' });
    const registry = await FakeRegistry.start({ sessions: false });
    const { plugin } = await serve({ controller: registry.address(), tokenFile: files.path('token') });
    await registered(plugin);
    await files.write({ token: 'two' });
    await vi.waitFor(() => expect(registry.registrations.at(-1)?.token).toBe('two'), waiting);
    expect(new Set(registry.messages.map(({ secret }) => secret)).size).toBe(1);
  });
});

describe('a refused plugin', () => {
  it.each([
    ['UNAUTHENTICATED', RefusalReason.UNAUTHENTICATED],
    ['FORBIDDEN', RefusalReason.FORBIDDEN],
    ['NAME_TAKEN', RefusalReason.NAME_TAKEN],
  ])('logs %s once, and tries again as soon as its token changes', async (_, reason) => {
    const files = await mountedFolder();
    await files.write({ token: 'old' });
    const registry = await FakeRegistry.start({
      refuse: ({ token }) => (token === 'new' ? undefined : { reason, message: `refused ${token?.slice(0, 3)}` }),
    });
    const { plugin, warnings } = await serve({ controller: registry.address(), tokenFile: files.path('token') });
    await vi.waitFor(() => expect(warnings.join('')).toContain('refused old'), waiting);
    await files.write({ token: 'older' });
    await vi.waitFor(() => expect(registry.registrations).toHaveLength(2), waiting);
    await files.write({ token: 'new' });
    await registered(plugin);
    expect(warnings).toHaveLength(1);
    expect(registry.registrations.map(({ token }) => token)).toEqual(['old', 'older', 'new']);
  });
});

it('in plain text on the loopback interface, a plugin sends a secret and no certificate', async () => {
  const registry = await FakeRegistry.start();
  const { plugin, warnings } = await serve({ controller: registry.address() });
  await registered(plugin);
  expect(registry.messages).toMatchObject([{ token: undefined, secret: expect.stringMatching(/^[\w-]{43}$/) }]);
  expect(registry.messages[0]?.registration?.certificate).toHaveLength(0);
  expect(warnings).toEqual([]);
});
