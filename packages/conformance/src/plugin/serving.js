import { create } from '@bufbuild/protobuf';
import { WireType } from '@bufbuild/protobuf/wire';
import * as grpc from '@grpc/grpc-js';
import { FinalizeRequestSchema, isServiceError, Outcome, PluginService, ReconcileRequestSchema } from '@kplug/protocol';
import { NotMet, NotTried } from '../requirement.js';
import { callWithBytes, checkHealth, listServices, watchHealth } from '../wire.js';
import { describeAnswer } from './describe-answer.js';
import { contradictions, faultsOfIdentity } from './registering.js';
import { encode, named } from './sample.js';

const infoTime = 2_000;
const largest = 4 * 1024 * 1024;
/** How many calls are made at once. */
const atOnce = 16;
/** What is required of the way a plugin serves, whatever it does. */
export const serving = [
  {
    number: 'P10',
    level: 'MUST',
    title: 'serves kplug.v1.PluginService',
    check: async ({ client, timeout }) => {
      const { runtime } = await client.getInfo({}, { deadline: Date.now() + timeout });
      return runtime || undefined;
    },
  },
  {
    number: 'P11',
    level: 'MUST',
    title: 'answers GetInfo as it registered, within two seconds',
    check: async (plugin) => {
      const from = performance.now();
      const info = await plugin.client.getInfo({}, { deadline: Date.now() + infoTime });
      const took = Math.round(performance.now() - from);
      if (!info.instanceId) throw new NotMet('no instance id', 'the one that is registered');
      if (!plugin.hasLife)
        return `instance ${info.instanceId}; only an address was given, so there is nothing to compare`;
      const differing = contradictions(info, plugin.life.registered.registration);
      if (differing.length > 0) throw new NotMet(differing.join('; '), 'the same as in the registration');
      return `${took} ms`;
    },
  },
  {
    number: 'P12',
    level: 'SHOULD',
    title: 'serves grpc.health.v1.Health with Watch',
    check: async ({ client }) => {
      for (const [method, ask] of [
        ['Check', checkHealth],
        ['Watch', watchHealth],
      ]) {
        const health = await ask(client.$client, infoTime).catch(describeAnswer);
        if (health !== 'SERVING') throw new NotMet(`${method} says ${health}`, 'SERVING for the service ""');
      }
      return undefined;
    },
  },
  {
    number: 'P13',
    level: 'SHOULD',
    title: 'serves server reflection',
    check: async ({ client }) => {
      const services = await listServices(client.$client, infoTime).catch((error) => [describeAnswer(error)]);
      if (services.includes(PluginService.typeName)) return undefined;
      throw new NotMet(services.join(', ') || 'no service', PluginService.typeName);
    },
  },
  {
    number: 'P14',
    level: 'MUST',
    title: 'takes messages of up to 4 MiB',
    check: async (plugin) => {
      await plugin.reconciled();
      const { base } = plugin.sample;
      // Less what surrounds the base in the message.
      const padding = 'x'.repeat(largest - 16 * 1024 - encode(base).length - extensionsSize(plugin));
      const metadata = { ...base.metadata, annotations: { ...base.metadata.annotations, padding } };
      await answered('an answer', plugin.reconcile(plugin.request({ ...base, metadata })));
      return undefined;
    },
  },
  {
    number: 'P14',
    level: 'SHOULD',
    title: `takes ${atOnce} calls at once`,
    check: async (plugin) => {
      await plugin.reconciled();
      const { base } = plugin.sample;
      const others = Array.from({ length: atOnce }, (_, index) => named(base, `${base.metadata.name}-${index + 1}`));
      const made = await Promise.allSettled(others.map((other) => plugin.reconcile(plugin.request(other))));
      await Promise.allSettled(others.map((other) => plugin.finalize(plugin.request(other))));
      const failed = made.flatMap((one) => (one.status === 'rejected' ? [describeAnswer(one.reason)] : []));
      if (failed.length > 0)
        throw new NotMet(`${failed.length} of ${atOnce} failed: ${failed[0]}`, 'an answer to each');
      return undefined;
    },
  },
  {
    number: 'P15',
    level: 'MUST',
    title: 'passes over fields that it does not know',
    check: async (plugin) => {
      const before = await plugin.reconciled();
      const message = create(ReconcileRequestSchema, plugin.request());
      for (const part of [message, message.base, message.context, message.assignment]) if (part) addUnknown(part);
      const after = await answered('the same answer as without', plugin.reconcile(message));
      if (after.outcome === before.outcome) return undefined;
      throw new NotMet(describeAnswer(after), `${describeAnswer(before)}, as without such fields`);
    },
  },
  {
    number: 'P32',
    level: 'MUST',
    title: 'fails a request that it can not read, and goes on',
    check: async (plugin) => {
      const { base, ...rest } = plugin.request();
      const half = { ...rest, base: { json: base.json.subarray(0, base.json.length / 2) } };
      for (const [what, request] of [
        ['a base that is not JSON', half],
        ['no base', rest],
      ]) {
        const answer = await plugin.reconcile(request).catch(failureOf);
        if (answer?.outcome === Outcome.SUCCESS) throw new NotMet(`${what} is answered with SUCCESS`, 'a failure');
        await goesOn(plugin, what);
      }
      const path = '/kplug.v1.PluginService/Reconcile';
      await callWithBytes(plugin.client.$client, path, Buffer.from([0xff, 0xff, 0xff]), infoTime).catch(failureOf);
      await goesOn(plugin, 'bytes that are no message');
      // A plugin that makes nothing that has to be undone may well succeed.
      await plugin.finalize(create(FinalizeRequestSchema, half)).catch(failureOf);
      await goesOn(plugin, 'Finalize of a base that is not JSON');
      return undefined;
    },
  },
  {
    number: 'P33',
    level: 'MUST',
    title: 'answers when extensions are missing',
    check: async (plugin) => {
      if (plugin.sample.extensions.length === 0) throw new NotTried('no extension was given, with --resource');
      const answer = await answered('an answer', plugin.reconcile(plugin.request(plugin.sample.base, [])));
      // The world is as it was before.
      await plugin.reconcile();
      return describeAnswer(answer);
    },
  },
  {
    number: 'P34',
    level: 'SHOULD',
    title: 'serves its health for each API',
    check: checkApiHealth,
  },
  {
    number: 'P35',
    level: 'MUST',
    title: 'answers GetInfo with a name, versions and an API',
    check: async ({ client, timeout }) => {
      const faults = faultsOfIdentity(await client.getInfo({}, { deadline: Date.now() + timeout }));
      if (faults.length > 0) throw new NotMet(faults.join(', '), 'what every controller accepts');
      return undefined;
    },
  },
];
/** Says of each API how its health is; a plugin of one needs no more than that of the whole. */
async function checkApiHealth({ client, info }) {
  const seen = [];
  for (const { name } of info.apis) {
    const health = await checkHealth(client.$client, infoTime, name).catch((error) => {
      if (isServiceError(error) && error.code === grpc.status.NOT_FOUND) return 'unknown';
      if (isServiceError(error) && error.code === grpc.status.UNIMPLEMENTED) throw new NotTried('it serves no health');
      return describeAnswer(error);
    });
    seen.push(`${name} ${health}`);
    const expected = info.apis.length > 1 ? ['SERVING', 'NOT_SERVING'] : ['SERVING', 'NOT_SERVING', 'unknown'];
    if (!expected.includes(health)) throw new NotMet(`Check of ${name} says ${health}`, expected.join(' or '));
  }
  return seen.join(', ');
}
/** What an answer is when the connection, or the process, didn't survive its request. Anything else is a failure as it should be. */
function failureOf(error) {
  if (error instanceof NotTried || (isServiceError(error) && error.code !== grpc.status.UNAVAILABLE)) return undefined;
  throw new NotMet(describeAnswer(error), 'an error other than of the connection');
}
async function goesOn({ client, info }, what) {
  const after = await client.getInfo({}, { deadline: Date.now() + infoTime }).catch(describeAnswer);
  const seen = typeof after === 'string' ? after : after.instanceId;
  if (seen !== info.instanceId) throw new NotMet(`after ${what}: ${seen}`, `the instance ${info.instanceId} goes on`);
}
/** A gRPC error is allowed as such; not where the same was answered before. */
async function answered(expected, call) {
  try {
    return await call;
  } catch (error) {
    if (error instanceof NotTried) throw error;
    throw new NotMet(describeAnswer(error), expected);
  }
}
function addUnknown(message) {
  message.$unknown = [
    { no: 1000, wireType: WireType.LengthDelimited, data: Uint8Array.from([5, ...Buffer.from('hello')]) },
    { no: 1001, wireType: WireType.Varint, data: Uint8Array.from([7]) },
  ];
}
function extensionsSize({ sample }) {
  return sample.extensions.reduce((size, extension) => size + encode(extension).length, 0);
}
//# sourceMappingURL=serving.js.map
