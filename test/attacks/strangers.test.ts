import { readFile } from 'node:fs/promises';
import { connect as connectTls } from 'node:tls';
import { definePlugin } from '@kplug/sdk';
import { TestCa } from '@kplug/testing/certificates';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { newSecret, SecuredOperator } from './secured-operator.ts';

const certificate = async () => (await (await TestCa.create()).issue({ usage: 'server' })).der;

describe('on a port that is open to other machines', () => {
  // Otherwise anybody who reaches the port is a plugin.
  it('a stranger without a token is refused, and told why', async () => {
    const operator = await SecuredOperator.start();
    const { outcome, message } = await (await operator.client()).register();
    expect(outcome).toBe('UNAUTHENTICATED');
    expect(message).toContain('kplug token create');
    expect(await (await operator.client()).openSession()).toBe('refusal');
    expect(operator.controller.registry.size).toBe(0);
  });

  // Otherwise a token could be read from the wire.
  it('plain text is refused, with and without a token', async () => {
    const operator = await SecuredOperator.start();
    const token = await operator.token('db', 'PostgreSQL');
    for (const given of [{ token }, {}]) {
      const plain = await operator.client({ ...given, insecure: true });
      await expect(plain.register()).rejects.toThrow();
    }
    expect(operator.controller.registry.size).toBe(0);
  });

  // Otherwise one leaked or guessed token is every plugin.
  it('a token is good for its own plugins only, and an unknown one for none', async () => {
    const operator = await SecuredOperator.start();
    const token = await operator.token('db', 'PostgreSQL');
    const given = { certificate: await certificate() };
    const holder = await operator.client({ token, secret: newSecret() });
    expect((await holder.register({ ...given, plugin: 'SQLite', instanceId: 'two' })).outcome).toBe('FORBIDDEN');
    expect((await holder.register(given)).outcome).toBe('accepted');
    const guessing = await operator.client({ token: `${token.slice(0, -1)}x`, secret: newSecret() });
    expect((await guessing.register({ ...given, instanceId: 'three' })).outcome).toBe('UNAUTHENTICATED');
  });

  // Otherwise the operator sends resources in plain text.
  it('a registration without a certificate is refused', async () => {
    const operator = await SecuredOperator.start();
    const holder = await operator.client({ token: await operator.token('db', 'PostgreSQL'), secret: newSecret() });
    const { outcome, message } = await holder.register();
    expect(outcome).toBe('FORBIDDEN');
    expect(message).toContain('no certificate');
  });

  // Otherwise another identity takes a plugin's name while it restarts, and gets its resources.
  it('the name of a plugin belongs to the identity that brought it, also after it is gone', async () => {
    const operator = await SecuredOperator.start();
    const own = { token: await operator.token('db', 'PostgreSQL'), secret: newSecret() };
    const thief = { token: await operator.token('thief', '*'), secret: newSecret() };
    const given = { certificate: await certificate() };
    expect((await (await operator.client(own)).register(given)).outcome).toBe('accepted');
    const steal = async () =>
      (await operator.client(thief)).register({ ...given, instanceId: 'two', address: ':7001' });
    expect((await steal()).outcome).toBe('NAME_TAKEN');
    await vi.waitFor(() => expect(operator.controller.registry.size).toBe(0), { timeout: 10_000 });
    expect(await steal()).toMatchObject({ outcome: 'NAME_TAKEN', message: expect.stringContaining('token:db') });
  });

  // Otherwise a stranger learns which plugins there are, and where.
  it('plugins are listed and watched only for proven identities', async () => {
    const operator = await SecuredOperator.start();
    const stranger = await operator.client();
    expect([await stranger.list(), await stranger.watch()]).toEqual(['UNAUTHENTICATED', 'UNAUTHENTICATED']);
    const known = await operator.client({ token: await operator.token('db', 'PostgreSQL') });
    expect([await known.list(), await known.watch()]).toEqual(['OK', 'OK']);
  });

  // Otherwise old versions of TLS, with known weaknesses, could be negotiated.
  it('TLS 1.2 is refused', async () => {
    const operator = await SecuredOperator.start();
    const [host, port] = operator.address.split(':');
    const socket = connectTls({ host, port: Number(port), ca: await readFile(operator.caFile), maxVersion: 'TLSv1.2' });
    onTestFinished(() => void socket.destroy());
    const failure = await new Promise<string>((resolve) => {
      socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
      socket.once('secureConnect', () => resolve('connected'));
    });
    expect(failure).not.toBe('connected');
  });

  // Otherwise a revoked token is good for as long as its session is.
  it('a session ends when its token is revoked, and its plugin gets no more calls', async () => {
    const operator = await SecuredOperator.start();
    const token = await operator.token('db', 'PostgreSQL');
    const plugin = await serve(operator, token);
    const { revokeToken } = await import('@kplug/controller/tools');
    await revokeToken(operator.tokenFile, 'db');
    await vi.waitFor(() => expect(operator.controller.registry.get(plugin.instanceId)).toBeUndefined(), {
      timeout: 60_000,
      interval: 100,
    });
  }, 90_000);
});

it('a plugin with a token and the CA registers, is called by TLS, and shows its identity', async () => {
  const operator = await SecuredOperator.start();
  const plugin = await serve(operator, await operator.token('db', 'PostgreSQL'));
  const instance = operator.controller.registry.get(plugin.instanceId);
  expect(instance?.identity).toMatchObject({ kind: 'token', name: 'db' });
  expect(instance?.registration.certificate).toBeDefined();
});

it('an operator that is open to other machines does not start if no plugin could prove its identity', async () => {
  await expect(SecuredOperator.start({ security: { tokenFile: undefined as never } })).rejects.toMatchObject({
    code: 'InvalidConfiguration',
    message: expect.stringContaining('no plugin can prove its identity'),
  });
});

async function serve(operator: SecuredOperator, token: string) {
  const plugin = definePlugin({ name: 'PostgreSQL', version: '1.0.0', api: 'Table@1.0.0', reconcile: () => ({}) });
  const running = await plugin.serve({
    ...{ controller: operator.address, token, tlsCa: operator.caFile },
    ...{ logLevel: 'silent', handleSignals: false },
  });
  onTestFinished(() => running.stop());
  await vi.waitFor(() => expect(running.registered).toBe(true), { timeout: 10_000 });
  return running;
}
