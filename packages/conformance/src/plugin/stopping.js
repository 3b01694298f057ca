import { randomUUID } from 'node:crypto';
import * as grpc from '@grpc/grpc-js';
import { createGrpcClient, PluginService } from '@kplug/protocol';
import { NotMet, NotTried } from '../requirement.js';
import { until } from '../until.js';
import { describeAnswer } from './describe-answer.js';
import { addressOf } from './life.js';
import { WorkTrial } from './work.js';

const stops = new WeakMap();
/** How long a plugin may take to say why it was refused, and has to wait before it tries again, in milliseconds. */
const sayTime = 5_000;
const refusedTime = 3_000;
/** What is required of the way a plugin stops, and of the process that comes after it. Tried last. */
export const stopping = [
  {
    number: 'P29',
    level: 'SHOULD',
    title: 'deregisters before it stops',
    check: async (plugin) => {
      const { at } = await stopOf(plugin);
      const [told] = plugin.life.registry.since(at, 'deregistration');
      if (told) return `${Math.round(told.at - at)} ms after SIGTERM`;
      throw new NotMet('no Deregister after SIGTERM', 'one, before anything else');
    },
  },
  {
    number: 'P30',
    level: 'SHOULD',
    title: 'finishes the call that it is at on SIGTERM',
    check: async (plugin) => {
      const { call } = await stopOf(plugin);
      if (call !== 'answered') throw new NotMet(`the call ended with ${call}`, 'an answer');
      return undefined;
    },
  },
  {
    number: 'P30',
    level: 'SHOULD',
    title: 'ends its session and exits with 0 on SIGTERM',
    check: async (plugin) => {
      const { at, ending } = await stopOf(plugin);
      if (ending !== 0)
        throw new NotMet(ending === undefined ? 'it goes on' : `it ended with ${ending}`, 'exit code 0');
      const broken = plugin.life.registry.since(at, 'broken').length;
      if (broken > 0) throw new NotMet('its session broke', 'a session that ends');
      return undefined;
    },
  },
  {
    number: 'P31',
    level: 'SHOULD',
    title: 'ends its streams of Work when it stops',
    check: async (plugin) => {
      const { work } = await stopOf(plugin);
      if (!plugin.info.servesWork) throw new NotTried("it doesn't say that it serves Work, which is optional");
      if (work !== 'ended') throw new NotMet(work ?? 'a stream that stays open', 'a stream that ends');
      return undefined;
    },
  },
  {
    number: 'P3',
    level: 'SHOULD',
    title: 'makes a new instance id for each process',
    check: async ({ life }) => {
      const before = life.registered.registration.instanceId;
      const next = await started(life, 'accepting');
      if (next.registration?.instanceId === before) throw new NotMet(`${before} again`, 'a new id, such as a UUID');
      return undefined;
    },
  },
  {
    number: 'P36',
    level: 'SHOULD',
    title: 'brings the instance id and the token that it is started with',
    check: async ({ life }) => {
      const [id, token] = [`folder/${randomUUID()}`, randomUUID()];
      const env = { KPLUG_INSTANCE_ID: id, KPLUG_TOKEN: token };
      const { at, registration, authorization } = await started(life, 'accepting', env);
      if (registration?.instanceId !== id) throw new NotMet(`registered as ${registration?.instanceId}`, id);
      const expected = `authorization: Bearer ${token}, as KPLUG_TOKEN says`;
      if (authorization !== `Bearer ${token}`) throw new NotMet(authorization ?? 'no authorization', expected);
      life.process.terminate();
      await life.ending();
      const [told] = life.registry.since(at, 'deregistration');
      if (told && told.authorization !== authorization) throw new NotMet('a Deregister without it', expected);
      return undefined;
    },
  },
  {
    number: 'P9',
    level: 'SHOULD',
    title: 'stops when the controller asks it to drain',
    check: async (plugin) => {
      const { life } = plugin;
      if (life.process.ending !== undefined) await started(life, 'accepting');
      if (plugin.isReached) await cleanUp(plugin);
      life.registry.behave('draining');
      const ending = await life.ending();
      if (ending !== 0)
        throw new NotMet(ending === undefined ? 'it goes on' : `it ended with ${ending}`, 'exit code 0');
      return undefined;
    },
  },
  {
    number: 'P8',
    level: 'SHOULD',
    title: 'logs why it is refused, and does not try again at once',
    check: async ({ life }) => {
      const why = `conformance-refusal-${randomUUID()}`;
      const refused = await started(life, { refusing: why });
      const hasSaid = await until(() => life.process.output.includes(why) || undefined, sayTime);
      await until(() => undefined, refusedTime - (performance.now() - refused.at));
      const tries = life.registry.since(refused.at).filter(({ registration }) => registration).length;
      if (!hasSaid) throw new NotMet('no such line on its output', 'the reason of the refusal');
      if (tries > 1)
        throw new NotMet(`${tries} tries in ${refusedTime / 1_000} s`, 'none before ten seconds have passed');
      return undefined;
    },
  },
];
function stopOf(plugin) {
  const known = stops.get(plugin) ?? stop(plugin);
  stops.set(plugin, known);
  return known;
}
async function stop(plugin) {
  const { life } = plugin;
  // As it is from the start, whatever was tried before.
  if (life.process.ending !== undefined) throw new NotTried(`it has ended already, with ${life.process.ending}`);
  const trial = plugin.info.servesWork ? new WorkTrial(plugin) : undefined;
  await plugin.client.getInfo({}, { deadline: Date.now() + plugin.timeout });
  const call = plugin.reconcile().then(
    () => 'answered',
    (error) => describeAnswer(error),
  );
  // The call has to be there before the signal is.
  await until(() => undefined, 100);
  const at = performance.now();
  life.process.terminate();
  const ending = await life.ending();
  return { at, ending, call: await call, work: trial?.ending };
}
async function started(life, ...how) {
  const registration = await life.restart(...how);
  if (registration) return registration;
  throw new NotTried(`it did not register when it was started again: ${life.process.output.trim().slice(-200)}`);
}
/** Has another process undo what was made: the one that made it has stopped while it was at it. */
async function cleanUp(plugin) {
  const credentials = grpc.credentials.createInsecure();
  const client = createGrpcClient(PluginService, addressOf(plugin.life.registered), credentials);
  try {
    await client.finalize(plugin.request(), { deadline: Date.now() + plugin.timeout });
  } finally {
    client.$client.close();
  }
}
//# sourceMappingURL=stopping.js.map
