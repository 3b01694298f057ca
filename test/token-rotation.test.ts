import { X509Certificate } from 'node:crypto';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rotateToken } from '@kplug/controller/tools';
import { definePlugin } from '@kplug/sdk';
import { expect, it, onTestFinished, vi } from 'vitest';
import { newSecret, registrationOf, SecuredOperator } from './attacks/secured-operator.ts';
import { selfSigned } from './attacks/tls-plugin.ts';

const soon = { timeout: 20_000, interval: 20 };
const overlap = 3_000;

/** Operator with a resource, and a plugin that is called for it again and again. */
async function startOperatorWithPlugin() {
  const base = { apiVersion: 'myorg.org/v1', kind: 'Table' };
  const operator = await SecuredOperator.start({
    adminAddress: '127.0.0.1:0',
    delegations: [{ name: 'tables', base, api: 'Table', minRequeueInterval: 20 }],
  });
  await writeFile(
    join(operator.directory, 'orders.yaml'),
    'apiVersion: myorg.org/v1\nkind: Table\nmetadata: { name: orders }\n',
  );
  const folder = await mkdtemp(join(tmpdir(), 'kplug-rotation-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const tokenFile = join(folder, 'token');
  const first = await operator.token('db', 'PostgreSQL');
  await writeFile(tokenFile, first);

  const reasons: string[] = [];
  operator.controller.registry.subscribe(({ instance: { state, stateReason }, from }) => {
    if (from !== undefined) reasons.push(`${from} -> ${state}: ${stateReason}`);
  });
  const plugin = await definePlugin({
    name: 'PostgreSQL',
    version: '1.0.0',
    api: 'Table@1.0.0',
    reconcile: () => ({ requeueAfter: 20 }),
  }).serve({
    ...{ controller: operator.address, tokenFile, tlsCa: operator.caFile },
    ...{ logLevel: 'silent', handleSignals: false },
  });
  onTestFinished(() => plugin.stop());
  await vi.waitFor(() => expect(plugin.registered).toBe(true), soon);
  return { operator, plugin, first, tokenFile, reasons };
}

/** Returns the session of an instance, which the registry's public view hides. */
function sessionOf(operator: SecuredOperator, instanceId: string): unknown {
  return Reflect.get(operator.controller.registry.get(instanceId) ?? {}, 'session');
}

/** Returns the number of calls of the plugin, by their gRPC codes. */
async function countCalls(operator: SecuredOperator): Promise<Record<string, number>> {
  const response = await fetch(`http://${operator.controller.adminAddress}/metrics`);
  const counted = (await response.text()).matchAll(
    /^kplug_plugin_call_duration_seconds_count\{.*method="Reconcile".*code="(\w+)".*\} (\d+)$/gm,
  );
  return Object.fromEntries([...counted].map(([, code, count]) => [code, Number(count)]));
}

async function untilCalledAgain(operator: SecuredOperator): Promise<void> {
  const { OK: before = 0 } = await countCalls(operator);
  await vi.waitFor(async () => expect((await countCalls(operator)).OK).toBeGreaterThan(before + 10), soon);
}

it('a token that is rotated while a plugin runs removes no instance and fails no call; the former one then ends', async () => {
  const { operator, plugin, first, tokenFile, reasons } = await startOperatorWithPlugin();
  await untilCalledAgain(operator);
  const session = sessionOf(operator, plugin.instanceId);

  const { token } = await rotateToken(operator.tokenFile, 'db', { overlap });
  const rotatedAt = Date.now();
  // The plugin gets the new token while the former one is valid, by a file that replaces its own.
  await untilCalledAgain(operator);
  await writeFile(`${tokenFile}.new`, token);
  await rename(`${tokenFile}.new`, tokenFile);
  await vi.waitFor(() => expect(sessionOf(operator, plugin.instanceId)).not.toBe(session), soon);

  // The former one is refused when the overlap ends, and not before.
  const holder = await operator.client({ token: first });
  let lastAcceptedAt = 0;
  await vi.waitFor(async () => {
    const startedAt = Date.now();
    const code = await holder.list();
    if (code === 'OK') lastAcceptedAt = startedAt;
    expect(code).toBe('UNAUTHENTICATED');
  }, soon);
  expect(Date.now()).toBeGreaterThanOrEqual(rotatedAt + overlap - 1_000);
  expect(lastAcceptedAt).toBeLessThan(rotatedAt + overlap + 1_000);
  const refused = await holder.register({ instanceId: plugin.instanceId });
  expect(refused).toMatchObject({ outcome: 'UNAUTHENTICATED', message: expect.stringContaining('newer token db') });

  await untilCalledAgain(operator);
  expect(await countCalls(operator)).toEqual({ OK: expect.any(Number) });
  expect(operator.controller.registry.get(plugin.instanceId)?.state).toBe('live');
  expect(reasons).toEqual([]);
}, 60_000);

it('a plugin that keeps its former token is removed when the overlap ends', async () => {
  const { operator, plugin } = await startOperatorWithPlugin();
  await rotateToken(operator.tokenFile, 'db', { overlap: 1_000 });
  await vi.waitFor(() => expect(operator.controller.registry.get(plugin.instanceId)).toBeUndefined(), soon);
}, 60_000);

it('a session that is left open with the former token does not remove an instance with a newer session', async () => {
  const operator = await SecuredOperator.start();
  const secret = newSecret();
  const certificate = new X509Certificate((await selfSigned()).cert).raw;
  const open = async (token: string) => {
    const { client, metadata } = await operator.client({ token, secret });
    const session = client.session({ metadata });
    onTestFinished(() => session.cancel());
    const answers: (string | undefined)[] = [];
    session.on('data', ({ answer }) => answers.push(answer.case));
    session.on('error', () => undefined);
    session.write({
      message: { case: 'registration', value: registrationOf({ certificate, address: '10.0.0.1:7000' }) },
    });
    await vi.waitFor(() => expect(answers).toEqual(['lease']), soon);
    // Its lease doesn't end.
    const beats = setInterval(() => session.write({ message: { case: 'beat', value: {} } }), 100);
    onTestFinished(() => clearInterval(beats));
    return answers;
  };
  const former = await open(await operator.token('db', 'PostgreSQL'));
  const { token } = await rotateToken(operator.tokenFile, 'db', { overlap: 2_000 });
  const holder = await operator.client({ token });
  await vi.waitFor(async () => expect(await holder.list()).toBe('OK'), soon);
  const newer = await open(token);
  await vi.waitFor(() => expect(former.at(-1)).toBe('refusal'), soon);
  expect(operator.controller.registry.get('one')?.state).toBe('live');
  expect(newer).not.toContain('refusal');
}, 60_000);
