import { randomUUID, X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createGrpcClient, PluginService, RefusalReason, type Registration } from '@kplug/protocol';
import { eventually } from '../eventually.ts';
import { NotMet, NotTried, type Requirement } from '../requirement.ts';
import { type KeyPair, pinned, TestAuthority, withoutName } from './credentials.ts';
import { describeAnswer } from './describe-answer.ts';
import { addressOf, type PluginRun } from './plugin-run.ts';
import type { PluginUnderTest } from './plugin-under-test.ts';
import type { RegistryEvent } from './registry-probe.ts';

/** Time for a plugin to notice a changed file: twice that of P41, in milliseconds. */
const noticeTime = 20_000;

/** Time in which a plugin must not connect, in milliseconds. */
const quietTime = 3_000;

type Registered = RegistryEvent & { registration: Registration };

/** Requirements on the identity of the plugin and on encryption. Checked last, as each starts the plugin again. */
export const identityRequirements: readonly Requirement<PluginUnderTest>[] = [
  {
    number: 'P40',
    level: 'MUST',
    title: 'sends a secret of its own with every call, another one in each process',
    check: async ({ run }) => {
      const [first, second] = [await started(run), await started(run)];
      for (const { secret = '' } of [first, second]) {
        if (secret.length < 32) throw new NotMet(`a secret of ${secret.length} characters`, 'at least 32');
      }
      if (first.secret === second.secret) throw new NotMet('the same secret in two processes', 'another one in each');
      run.process.terminate();
      await run.exited();
      const others = run.registry.since(second.at).filter(({ secret }) => secret !== second.secret);
      if (others.length > 0) throw new NotMet(`${others.length} calls with another secret`, 'the same in all');
      return `${second.secret?.length} characters`;
    },
  },
  {
    number: 'P41',
    level: 'SHOULD',
    title: 'reads its token from a file',
    check: ({ run }) =>
      withTokenFile(run, async ({ authorization }, token) => {
        if (authorization !== `Bearer ${token}`)
          throw new NotMet(authorization ? 'another token' : 'no token', 'the token of the file in KPLUG_TOKEN_FILE');
        return undefined;
      }),
  },
  {
    number: 'P48',
    level: 'SHOULD',
    title: 'opens a session with a new token before it ends the previous one',
    check: ({ run }) =>
      withTokenFile(run, async ({ registration, secret, authorization }, token, change) => {
        if (authorization !== `Bearer ${token}`) throw new NotTried('it does not read its token from a file; see P41');
        const from = performance.now();
        const renewed = `${token}-renewed`;
        await change(renewed);
        const withNew = () =>
          run.registry.since(from, 'registration').find((one) => one.authorization === `Bearer ${renewed}`);
        const next = await eventually(withNew, noticeTime);
        if (!next) throw new NotMet(`no session with the new token in ${noticeTime / 1_000} s`, 'a new session');
        if (next.registration?.instanceId !== registration.instanceId || next.secret !== secret)
          throw new NotMet('another instance id or secret', 'the same instance');
        const early = run.registry.since(from, 'ended', 'broken').filter(({ at }) => at < next.at);
        if (early.length > 0) throw new NotMet('the previous session ended first', 'the new session first');
        return `after ${Math.round(next.at - from)} ms`;
      }),
  },
  {
    number: 'P42',
    level: 'MUST',
    title: 'does not start in plain text with a controller on another machine',
    check: async ({ run }) => {
      // An address for documentation, at which nothing listens.
      await run.start({ KPLUG_CONTROLLER: '192.0.2.1:50050', KPLUG_TLS_CA: '', KPLUG_INSECURE: '' });
      const exit = await eventually(() => run.process.exit, run.times.start);
      if (exit === undefined || exit === 0)
        throw new NotMet(exit === 0 ? 'it exited with 0' : 'it keeps running', 'a failure at the start');
      const { output } = run.process;
      const missing = ['KPLUG_TLS_CA', 'KPLUG_INSECURE'].filter((name) => !output.includes(name));
      if (missing.length > 0) throw new NotMet(`an error without ${missing.join(' and ')}`, 'an error that names both');
      return undefined;
    },
  },
  {
    number: 'P43',
    level: 'MUST',
    title: 'sends nothing to a controller whose certificate is not of its CA',
    check: async ({ run }) => {
      await using authority = await TestAuthority.create();
      await using other = await TestAuthority.create();
      await run.registry.secure(other.serverCredentials);
      try {
        const from = performance.now();
        await run.start(secured(run, authority));
        await delay(quietTime);
        const calls = run.registry.since(from).length;
        if (calls > 0) throw new NotMet(`${calls} calls to a controller of another CA`, 'none');
        return undefined;
      } finally {
        await run.registry.secure(undefined);
      }
    },
  },
  {
    number: 'P44',
    level: 'MUST',
    title: 'registers the certificate that it serves',
    check: ({ run }) =>
      withTls(run, async (registered, { caller }) => {
        const answer = await ask(registered, caller);
        if (answer !== undefined) throw new NotMet(answer, 'an answer to GetInfo by TLS');
        return undefined;
      }),
  },
  {
    number: 'P45',
    level: 'MUST',
    title: 'serves only the controller: no client without a certificate, of another CA or with one for servers',
    check: ({ run }) =>
      withTls(run, async (registered, { caller, server }) => {
        const trusted = await ask(registered, caller);
        if (trusted !== undefined) throw new NotTried(`it does not answer the controller: ${trusted}; see P44`);
        await using other = await TestAuthority.create();
        const strangers: [string, KeyPair | undefined][] = [
          ['without a certificate', undefined],
          ['with a certificate of another CA', other.caller],
          ['with a certificate for servers', server],
        ];
        for (const [how, own] of strangers) {
          if ((await ask(registered, own)) === undefined) throw new NotMet(`an answer to a client ${how}`, 'none');
        }
        return undefined;
      }),
  },
  {
    number: 'P46',
    level: 'SHOULD',
    title: 'closes connections that send no handshake',
    check: ({ run }) =>
      withTls(run, async (registered) => {
        const address = new URL(`tcp://${addressOf(registered)}`);
        const socket = connect(Number(address.port), address.hostname.replace(/^\[|\]$/g, ''));
        let isClosed = false;
        socket.on('close', () => {
          isClosed = true;
        });
        // The reason does not matter.
        socket.on('error', () => undefined);
        socket.resume();
        const from = performance.now();
        await eventually(() => isClosed || undefined, run.times.stop);
        socket.destroy();
        if (!isClosed) throw new NotMet(`open after ${run.times.stop / 1_000} s`, 'a closed connection');
        return `after ${Math.round((performance.now() - from) / 1_000)} s`;
      }),
  },
  {
    number: 'P47',
    level: 'MUST',
    title: 'listens on a loopback address only in plain text',
    check: async ({ run }) => {
      const [own] = Object.values(networkInterfaces())
        .flatMap((found) => found ?? [])
        .filter(({ internal, family }) => !internal && family === 'IPv4');
      if (!own) throw new NotTried('this machine has no other address than loopback ones');
      const address = addressOf(await started(run));
      const port = Number(address.slice(address.lastIndexOf(':') + 1));
      if (await isOpen(own.address, port))
        throw new NotMet(`it listens at ${own.address}:${port}`, 'a loopback address');
      return undefined;
    },
  },
  {
    number: 'P49',
    level: 'SHOULD',
    title: 'logs why its identity is refused once, and tries again later',
    check: async ({ run }) => {
      const refusing = `conformance-refusal-${randomUUID()}`;
      const from = performance.now();
      const refused = await run.restart({ refusing, reason: RefusalReason.UNAUTHENTICATED });
      if (!refused) throw new NotTried('it did not register; see P1');
      const isLogged = await eventually(() => run.process.output.includes(refusing) || undefined, run.times.log);
      if (!isLogged) throw new NotMet('no reason in its output', 'the reason of the refusal');
      await delay(run.times.refusal);
      const attempts = run.registry.since(from).filter(({ registration }) => registration).length;
      if (attempts > 1)
        throw new NotMet(`${attempts} attempts in ${run.times.refusal / 1_000} s`, 'no attempt within ten seconds');
      return undefined;
    },
  },
];

/** Starts the plugin again and returns its registration. Rejects with `NotTried` when there is none. */
async function started(run: PluginRun, env: Record<string, string> = {}): Promise<Registered> {
  const event = await run.restart('accepting', env);
  if (!event?.registration) throw new NotTried('it did not register after it was started again; see P1');
  return { ...event, registration: event.registration };
}

/** Starts the plugin with a token in a file. @param check receives the token, and a function that changes the file. */
async function withTokenFile<T>(
  run: PluginRun,
  check: (registered: Registered, token: string, change: (token: string) => Promise<void>) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'kplug-token-'));
  try {
    const file = join(folder, 'token');
    const token = randomUUID();
    await writeFile(file, `${token}\n`);
    const registered = await started(run, { KPLUG_TOKEN_FILE: file });
    return await check(registered, token, (next) => writeFile(file, `${next}\n`));
  } finally {
    await rm(folder, { recursive: true });
  }
}

function secured({ registry }: PluginRun, { caFile }: TestAuthority): Record<string, string> {
  return { KPLUG_CONTROLLER: registry.address, KPLUG_TLS_CA: caFile, KPLUG_INSECURE: '' };
}

/** Plugins that did not register by TLS. Further checks do not wait for it again. */
const withoutTls = new WeakSet<PluginRun>();

/** Starts the plugin with a controller that takes TLS. Rejects with `NotMet` when it registers no certificate. */
async function withTls<T>(
  run: PluginRun,
  check: (registered: Registered, authority: TestAuthority) => Promise<T>,
): Promise<T> {
  if (withoutTls.has(run)) throw new NotTried('it does not register by TLS; see P44');
  await using authority = await TestAuthority.create();
  await run.registry.secure(authority.serverCredentials);
  try {
    const event = await run.restart('accepting', secured(run, authority));
    if (!event?.registration?.certificate.length) withoutTls.add(run);
    if (!event?.registration) throw new NotMet('no registration by TLS, with KPLUG_TLS_CA', 'a registration');
    if (event.registration.certificate.length === 0)
      throw new NotMet('a registration by TLS without a certificate', 'a certificate');
    return await check({ ...event, registration: event.registration }, authority);
  } finally {
    await run.registry.secure(undefined);
  }
}

/** Calls GetInfo by TLS, and returns the reason why there is no answer. */
async function ask(registered: Registered, own: KeyPair | undefined): Promise<string | undefined> {
  const { certificate: der } = registered.registration;
  const credentials = pinned(new X509Certificate(der).toString(), der, own);
  const options = { ...withoutName, 'grpc.use_local_subchannel_pool': 1 };
  const client = createGrpcClient(PluginService, addressOf(registered), credentials, options);
  try {
    await client.getInfo({}, { deadline: Date.now() + 5_000 });
    return undefined;
  } catch (error) {
    return describeAnswer(error);
  } finally {
    client.$client.close();
  }
}

function isOpen(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 1_000 });
    const end = (isConnected: boolean) => {
      socket.destroy();
      resolve(isConnected);
    };
    socket.on('connect', () => end(true));
    socket.on('error', () => end(false));
    socket.on('timeout', () => end(false));
  });
}
