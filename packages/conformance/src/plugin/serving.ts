import { create, type Message } from '@bufbuild/protobuf';
import { WireType } from '@bufbuild/protobuf/wire';
import * as grpc from '@grpc/grpc-js';
import { FinalizeRequestSchema, isServiceError, Outcome, PluginService, ReconcileRequestSchema } from '@kplug/protocol';
import { NotMet, NotTried, type Requirement } from '../requirement.ts';
import { callWithBytes, checkHealth, listServices, watchHealth } from '../wire.ts';
import { describeAnswer } from './describe-answer.ts';
import type { PluginUnderTest } from './plugin-under-test.ts';
import { contradictions, faultsOfIdentity } from './registrations.ts';
import { encode, named } from './sample.ts';

/** Time for GetInfo and health checks, in milliseconds. */
const infoTimeout = 2_000;

/** Message size that a plugin has to accept, in bytes. */
const maxMessageSize = 4 * 1024 * 1024;

/** Number of concurrent calls. */
const concurrency = 16;

/** Requirements on the services of a plugin. */
export const servingRequirements: readonly Requirement<PluginUnderTest>[] = [
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
    title: 'answers GetInfo with its registration within two seconds',
    check: async (plugin) => {
      const from = performance.now();
      const info = await plugin.client.getInfo({}, { deadline: Date.now() + infoTimeout });
      const duration = Math.round(performance.now() - from);
      if (!info.instanceId) throw new NotMet('no instance id', 'the registered instance id');
      if (!plugin.hasProcess) return `instance ${info.instanceId}; not compared, as only an address was given`;
      const differing = contradictions(info, plugin.run.registered.registration);
      if (differing.length > 0) throw new NotMet(differing.join('; '), 'the values of the registration');
      return `${duration} ms`;
    },
  },
  {
    number: 'P12',
    level: 'SHOULD',
    title: 'serves grpc.health.v1.Health with Watch',
    check: async ({ client }) => {
      for (const [method, read] of [
        ['Check', checkHealth],
        ['Watch', watchHealth],
      ] as const) {
        const health = await read(client.$client, infoTimeout).catch(describeAnswer);
        if (health !== 'SERVING') throw new NotMet(`${method} returns ${health}`, 'SERVING for the service ""');
      }
      return undefined;
    },
  },
  {
    number: 'P13',
    level: 'SHOULD',
    title: 'serves server reflection',
    check: async ({ client }) => {
      const services = await listServices(client.$client, infoTimeout).catch((error: unknown) => [
        describeAnswer(error),
      ]);
      if (services.includes(PluginService.typeName)) return undefined;
      throw new NotMet(services.join(', ') || 'no service', PluginService.typeName);
    },
  },
  {
    number: 'P14',
    level: 'MUST',
    title: 'accepts messages of up to 4 MiB',
    check: async (plugin) => {
      await plugin.reconciled();
      const { base } = plugin.sample;
      // The message contains more than the base.
      const padding = 'x'.repeat(maxMessageSize - 16 * 1024 - encode(base).length - extensionsSize(plugin));
      const metadata = { ...base.metadata, annotations: { ...base.metadata.annotations, padding } };
      await answered('an answer', plugin.reconcile(plugin.request({ ...base, metadata })));
      return undefined;
    },
  },
  {
    number: 'P14',
    level: 'SHOULD',
    title: `accepts ${concurrency} concurrent calls`,
    check: async (plugin) => {
      await plugin.reconciled();
      const { base } = plugin.sample;
      const others = Array.from({ length: concurrency }, (_, index) =>
        named(base, `${base.metadata.name}-${index + 1}`),
      );
      const made = await Promise.allSettled(others.map((other) => plugin.reconcile(plugin.request(other))));
      await Promise.allSettled(others.map((other) => plugin.finalize(plugin.request(other))));
      requireInTime(made);
      const failed = made.flatMap((one) => (one.status === 'rejected' ? [describeAnswer(one.reason)] : []));
      if (failed.length > 0)
        throw new NotMet(`${failed.length} of ${concurrency} failed: ${failed[0]}`, 'an answer to each call');
      return undefined;
    },
  },
  {
    number: 'P39',
    level: 'MUST',
    title: 'accepts a call for a resource while an earlier one is in flight',
    check: async (plugin) => {
      if (!plugin.info.serializesCalls)
        throw new NotTried('GetInfo does not declare serializes_calls, which is optional');
      const before = await plugin.reconciled();
      const { base } = plugin.sample;
      const request = plugin.request(named(base, `${base.metadata.name}-twice`));
      const made = await Promise.allSettled([plugin.reconcile(request), plugin.reconcile(request)]);
      await plugin.finalize(request);
      requireInTime(made);
      for (const call of made) {
        const seen = describeAnswer(call.status === 'fulfilled' ? call.value : call.reason);
        if (call.status === 'rejected' || call.value.outcome !== before.outcome)
          throw new NotMet(seen, `${describeAnswer(before)} for both calls`);
      }
      return undefined;
    },
  },
  {
    number: 'P15',
    level: 'MUST',
    title: 'ignores unknown fields',
    check: async (plugin) => {
      const before = await plugin.reconciled();
      const message = create(ReconcileRequestSchema, plugin.request());
      for (const part of [message, message.base, message.context, message.assignment]) if (part) addUnknown(part);
      const after = await answered('the same answer as without unknown fields', plugin.reconcile(message));
      if (after.outcome === before.outcome) return undefined;
      throw new NotMet(describeAnswer(after), `${describeAnswer(before)}, as without unknown fields`);
    },
  },
  {
    number: 'P32',
    level: 'MUST',
    title: 'fails an unreadable request and keeps serving',
    check: async (plugin) => {
      const { base, ...rest } = plugin.request();
      const truncated = { ...rest, base: { json: base.json.subarray(0, base.json.length / 2) } };
      for (const [what, request] of [
        ['a base that is not JSON', truncated],
        ['no base', rest],
      ] as const) {
        const answer = await plugin.reconcile(request).catch(failureOf);
        if (answer?.outcome === Outcome.SUCCESS) throw new NotMet(`${what} is answered with SUCCESS`, 'a failure');
        await requireServing(plugin, what);
      }
      const path = '/kplug.v1.PluginService/Reconcile';
      await callWithBytes(plugin.client.$client, path, Buffer.from([0xff, 0xff, 0xff]), infoTimeout).catch(failureOf);
      await requireServing(plugin, 'an invalid message');
      // A plugin without external resources may succeed.
      await plugin.finalize(create(FinalizeRequestSchema, truncated)).catch(failureOf);
      await requireServing(plugin, 'Finalize of a base that is not JSON');
      return undefined;
    },
  },
  {
    number: 'P33',
    level: 'MUST',
    title: 'answers when extensions are missing',
    check: async (plugin) => {
      if (plugin.sample.extensions.length === 0) throw new NotTried('no extension was given with --resource');
      const answer = await answered('an answer', plugin.reconcile(plugin.request(plugin.sample.base, [])));
      // Restores the state for the following checks.
      await plugin.reconcile();
      return describeAnswer(answer);
    },
  },
  {
    number: 'P34',
    level: 'SHOULD',
    title: 'serves the health of each API',
    check: checkApiHealth,
  },
  {
    number: 'P35',
    level: 'MUST',
    title: 'answers GetInfo with a name, versions and an API',
    check: async ({ client, timeout }) => {
      const faults = faultsOfIdentity(await client.getInfo({}, { deadline: Date.now() + timeout }));
      if (faults.length > 0) throw new NotMet(faults.join(', '), 'values that every controller accepts');
      return undefined;
    },
  },
];

/** Checks the health of each API. A plugin of one API may serve only the health of the server. */
async function checkApiHealth({ client, info }: PluginUnderTest): Promise<string> {
  const seen: string[] = [];
  for (const { name } of info.apis) {
    const health = await checkHealth(client.$client, infoTimeout, name).catch((error: unknown) => {
      if (isServiceError(error) && error.code === grpc.status.NOT_FOUND) return 'unknown';
      if (isServiceError(error) && error.code === grpc.status.UNIMPLEMENTED)
        throw new NotTried('the plugin serves no health service');
      return describeAnswer(error);
    });
    seen.push(`${name} ${health}`);
    const expected = info.apis.length > 1 ? ['SERVING', 'NOT_SERVING'] : ['SERVING', 'NOT_SERVING', 'unknown'];
    if (!expected.includes(health)) throw new NotMet(`Check of ${name} returns ${health}`, expected.join(' or '));
  }
  return seen.join(', ');
}

/** Handles the error of an invalid request. Rejects with `NotMet` if the request broke the connection or the process. */
function failureOf(error: unknown): undefined {
  if (error instanceof NotTried || (isServiceError(error) && error.code !== grpc.status.UNAVAILABLE)) return undefined;
  throw new NotMet(describeAnswer(error), 'an error other than of the connection');
}

async function requireServing({ client, info }: PluginUnderTest, what: string): Promise<void> {
  const after = await client.getInfo({}, { deadline: Date.now() + infoTimeout }).catch(describeAnswer);
  const seen = typeof after === 'string' ? after : after.instanceId;
  if (seen !== info.instanceId) throw new NotMet(`after ${what}: ${seen}`, `the instance ${info.instanceId} continues`);
}

/** Returns the answer of a call that must not fail. Rejects with `NotMet` when it fails. */
async function answered<A>(expected: string, call: Promise<A>): Promise<A> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof NotTried) throw error;
    throw new NotMet(describeAnswer(error), expected);
  }
}

function addUnknown(message: { $unknown?: Message['$unknown'] }): void {
  message.$unknown = [
    { no: 1000, wireType: WireType.LengthDelimited, data: Uint8Array.from([5, ...Buffer.from('hello')]) },
    { no: 1001, wireType: WireType.Varint, data: Uint8Array.from([7]) },
  ];
}

function extensionsSize({ sample }: PluginUnderTest): number {
  return sample.extensions.reduce((size, extension) => size + encode(extension).length, 0);
}

/** Throws `NotTried` if a call was not answered in time, which P25 reports. */
function requireInTime(made: readonly PromiseSettledResult<unknown>[]): void {
  for (const one of made) if (one.status === 'rejected' && one.reason instanceof NotTried) throw one.reason;
}
