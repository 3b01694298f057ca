import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import * as grpc from '@grpc/grpc-js';
import { createGrpcClient, PluginService } from '@kplug/protocol';
import { eventually } from '../eventually.ts';
import { NotMet, NotTried, type Requirement } from '../requirement.ts';
import { describeAnswer } from './describe-answer.ts';
import { addressOf, type PluginRun } from './plugin-run.ts';
import type { PluginUnderTest } from './plugin-under-test.ts';
import { WorkStream } from './work-stream.ts';

/** Observations of a shutdown. Several checks share one shutdown. */
interface Shutdown {
  at: number;
  exit: number | NodeJS.Signals | undefined;
  /** Result of the in-flight call. */
  call: string;
  /** End of the Work stream; `undefined` while it is open. */
  work: string | undefined;
}

const shutdowns = new WeakMap<PluginUnderTest, Promise<Shutdown>>();

/** Requirements on the shutdown, and on the process that is started afterwards. Checked last. */
export const shutdownRequirements: readonly Requirement<PluginUnderTest>[] = [
  {
    number: 'P29',
    level: 'SHOULD',
    title: 'deregisters before it exits',
    check: async (plugin) => {
      const { at } = await shutdownOf(plugin);
      const [deregistration] = plugin.run.registry.since(at, 'deregistration');
      if (deregistration) return `${Math.round(deregistration.at - at)} ms after SIGTERM`;
      throw new NotMet('no Deregister after SIGTERM', 'Deregister as the first step');
    },
  },
  {
    number: 'P30',
    level: 'SHOULD',
    title: 'finishes in-flight calls on SIGTERM',
    check: async (plugin) => {
      const { call } = await shutdownOf(plugin);
      if (call !== 'answered') throw new NotMet(`the call ended with ${call}`, 'an answer');
      return undefined;
    },
  },
  {
    number: 'P30',
    level: 'SHOULD',
    title: 'ends its session and exits with 0 on SIGTERM',
    check: async (plugin) => {
      const { at, exit } = await shutdownOf(plugin);
      if (exit !== 0)
        throw new NotMet(exit === undefined ? 'it keeps running' : `it exited with ${exit}`, 'exit code 0');
      const broken = plugin.run.registry.since(at, 'broken').length;
      if (broken > 0) throw new NotMet('a broken session', 'an ended session');
      return undefined;
    },
  },
  {
    number: 'P31',
    level: 'SHOULD',
    title: 'ends its Work streams when it stops',
    check: async (plugin) => {
      const { work } = await shutdownOf(plugin);
      if (!plugin.info.servesWork) throw new NotTried('GetInfo does not announce Work, which is optional');
      if (work !== 'ended') throw new NotMet(work ?? 'an open stream', 'an ended stream');
      return undefined;
    },
  },
  {
    number: 'P3',
    level: 'SHOULD',
    title: 'uses a new instance id for each process',
    check: async ({ run }) => {
      const before = run.registered.registration.instanceId;
      const next = await started(run, 'accepting');
      if (next.registration?.instanceId === before)
        throw new NotMet(`the same id ${before}`, 'a new id, such as a UUID');
      return undefined;
    },
  },
  {
    number: 'P36',
    level: 'SHOULD',
    title: 'uses the instance id and the token of its environment',
    check: async ({ run }) => {
      const [id, token] = [`folder/${randomUUID()}`, randomUUID()];
      const env = { KPLUG_INSTANCE_ID: id, KPLUG_TOKEN: token };
      const { at, registration, authorization } = await started(run, 'accepting', env);
      if (registration?.instanceId !== id) throw new NotMet(`the instance id ${registration?.instanceId}`, id);
      const expected = `authorization: Bearer ${token}, from KPLUG_TOKEN`;
      if (authorization !== `Bearer ${token}`) throw new NotMet(authorization ?? 'no authorization', expected);
      run.process.terminate();
      await run.exited();
      const [deregistration] = run.registry.since(at, 'deregistration');
      if (deregistration && deregistration.authorization !== authorization)
        throw new NotMet('Deregister without the token', expected);
      return undefined;
    },
  },
  {
    number: 'P9',
    level: 'SHOULD',
    title: 'exits when the controller asks it to drain',
    check: async (plugin) => {
      const { run } = plugin;
      if (run.process.exit !== undefined) await started(run, 'accepting');
      if (plugin.isReached) await cleanUp(plugin);
      run.registry.behave('draining');
      const exit = await run.exited();
      if (exit !== 0)
        throw new NotMet(exit === undefined ? 'it keeps running' : `it exited with ${exit}`, 'exit code 0');
      return undefined;
    },
  },
  {
    number: 'P8',
    level: 'SHOULD',
    title: 'logs why it is refused, and does not register again immediately',
    check: async ({ run }) => {
      const reason = `conformance-refusal-${randomUUID()}`;
      const refused = await started(run, { refusing: reason });
      const isLogged = await eventually(() => run.process.output.includes(reason), run.times.log);
      await delay(Math.max(0, run.times.refusal - (performance.now() - refused.at)));
      const attempts = run.registry.since(refused.at).filter(({ registration }) => registration).length;
      if (!isLogged) throw new NotMet('no reason in its output', 'the reason of the refusal');
      if (attempts > 1)
        throw new NotMet(`${attempts} attempts in ${run.times.refusal / 1_000} s`, 'no attempt within ten seconds');
      return undefined;
    },
  },
];

function shutdownOf(plugin: PluginUnderTest): Promise<Shutdown> {
  const known = shutdowns.get(plugin) ?? shutDown(plugin);
  shutdowns.set(plugin, known);
  return known;
}

async function shutDown(plugin: PluginUnderTest): Promise<Shutdown> {
  const { run } = plugin;
  if (run.process.exit !== undefined) throw new NotTried(`it already exited with ${run.process.exit}`);
  const workStream = plugin.info.servesWork ? new WorkStream(plugin) : undefined;
  await plugin.client.getInfo({}, { deadline: Date.now() + plugin.timeout });
  const call = plugin.reconcile().then(
    () => 'answered',
    (error: unknown) => describeAnswer(error),
  );
  // The call has to arrive before the signal.
  await delay(100);
  const at = performance.now();
  run.process.terminate();
  const exit = await run.exited();
  return { at, exit, call: await call, work: workStream?.ending };
}

async function started(run: PluginRun, ...how: Parameters<PluginRun['restart']>) {
  const registration = await run.restart(...how);
  if (registration) return registration;
  throw new NotTried(`it did not register after a restart: ${run.process.output.trim().slice(-200)}`);
}

/** Finalizes the sample by the new process, as the old one stopped before it could. */
async function cleanUp(plugin: PluginUnderTest): Promise<void> {
  const credentials = grpc.credentials.createInsecure();
  const client = createGrpcClient(PluginService, addressOf(plugin.run.registered), credentials);
  try {
    await client.finalize(plugin.request(), { deadline: Date.now() + plugin.timeout });
  } finally {
    client.$client.close();
  }
}
