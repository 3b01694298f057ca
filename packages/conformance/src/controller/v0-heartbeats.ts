import { durationFromMs } from '@bufbuild/protobuf/wkt';
import * as grpc from '@grpc/grpc-js';
import { InstanceState, isServiceError, type PluginInstance, type v0 } from '@kplug/protocol';
import { eventually } from '../eventually.ts';
import { describeAnswer } from '../plugin/describe-answer.ts';
import { NotMet, NotTried, type Requirement } from '../requirement.ts';
import type { ControllerUnderTest } from './controller-under-test.ts';
import { V0Plugin } from './delegated/v0-plugin.ts';
import { leaseTimesOf } from './lease-times.ts';

/** Shortest TTL of such a plugin, in milliseconds. */
const minTtl = 15_000;

/** Invalid heartbeats. */
const malformed: readonly [string, Parameters<V0Plugin['sendHeartbeat']>[0]][] = [
  ['without an address', { address: '' }],
  ['without a name', { name: '' }],
  ['without an API', { api: '' }],
  ['whose address has no port', { address: 'nowhere' }],
  ['whose name has a space', { name: 'First Kplug' }],
];

/** Versions as they are sent and as they are parsed. */
const versions: readonly [string, RegExp][] = [
  ['1.2.3', /^1\.2\.3$/],
  ['v1', /^1\.0\.0$/],
  ['1.2', /^1\.2\.0$/],
  ['v1alpha2', /^1\.0\.0-alpha\.2$/],
  ['nightly', /^0\.0\.0(\+.*)?$/],
  ['', /^0\.0\.0(\+.*)?$/],
];

/** Requirements on the heartbeats of plugins of the first Kplug's protocol. */
export const v0HeartbeatRequirements: readonly Requirement<ControllerUnderTest>[] = [
  {
    number: 'C18',
    level: 'MUST',
    title: "accepts plugins of the first Kplug's protocol only where that is allowed",
    check: async (controller) => {
      const { accepted, notAcceptedReason } = await responseOf(controller);
      if (!accepted) return `not accepted: ${notAcceptedReason}`;
      throw new NotTried('accepted; a plugin cannot observe whether the operator allows that');
    },
  },
  ...malformed.map(
    ([description, fault]): Requirement<ControllerUnderTest> => ({
      number: 'C19',
      level: 'MUST',
      title: `answers a heartbeat ${description} with the reason why it is not accepted`,
      check: async (controller) => {
        await responseOf(controller);
        await using plugin = await startPlugin(controller);
        const answer = await plugin.sendHeartbeat(fault).catch((error: unknown) => error as grpc.ServiceError);
        if (isServiceError(answer)) throw new NotMet(describeAnswer(answer), 'accepted: false, not an error');
        if (answer.accepted) throw new NotMet('accepted: true', 'accepted: false');
        if (answer.notAcceptedReason) return answer.notAcceptedReason;
        throw new NotMet('accepted: false without a reason', 'the reason');
      },
    }),
  ),
  { number: 'C20', level: 'MUST', title: 'keeps such a plugin live for at least 15 s', check: checkTtl },
  {
    number: 'C21',
    level: 'MUST',
    title: 'parses any text as a version',
    check: async (controller) => {
      await requireV0Accepted(controller);
      await using plugin = await startPlugin(controller);
      for (const [sent, expected] of versions) {
        const { accepted, notAcceptedReason } = await plugin.sendHeartbeat({ version: sent, apiVersion: sent });
        if (!accepted) throw new NotMet(`"${sent}" is not accepted: ${notAcceptedReason}`, 'any version');
        const { registration } = (await listed(controller, plugin)) ?? {};
        const read = [registration?.version, registration?.apis[0]?.version];
        const wrong = read.find((version) => !expected.test(version ?? ''));
        if (wrong !== undefined) throw new NotMet(`"${sent}" is parsed as ${wrong}`, `${expected.source}`);
      }
      return undefined;
    },
  },
];

/** Rejects with `NotTried` when the controller does not accept plugins of the first Kplug's protocol. */
export async function requireV0Accepted(controller: ControllerUnderTest): Promise<void> {
  const { accepted, notAcceptedReason } = await responseOf(controller);
  if (!accepted)
    throw new NotTried(`the controller accepts no plugins of the first Kplug's protocol: ${notAcceptedReason}`);
}

/** Returns the answer to a valid heartbeat. Rejects with `NotTried` when the controller does not serve the protocol. */
async function responseOf(controller: ControllerUnderTest): Promise<v0.PluginHeartbeatResponse> {
  await using plugin = await startPlugin(controller);
  const answer = await plugin.sendHeartbeat().catch((error: unknown) => error);
  if (isServiceError(answer) && answer.code === grpc.status.UNIMPLEMENTED) {
    throw new NotTried('the controller does not serve kplug.Controller, which is optional');
  }
  if (isServiceError(answer)) throw new NotMet(describeAnswer(answer), 'an answer');
  return answer as v0.PluginHeartbeatResponse;
}

function startPlugin({ address }: ControllerUnderTest): Promise<V0Plugin> {
  return V0Plugin.start(address, { name: 'KplugConformance', version: 'v1' });
}

async function checkTtl(controller: ControllerUnderTest): Promise<string> {
  await requireV0Accepted(controller);
  const leaseRequest = { interval: durationFromMs(minTtl / 2), ttl: durationFromMs(minTtl) };
  const bound = leaseTimesOf(await controller.accepted(controller.registration(leaseRequest))).ttl;
  const expected = Math.min(minTtl, bound);
  await using plugin = await startPlugin(controller);
  const sentAt = performance.now();
  await plugin.sendHeartbeat();
  const isLive = async () => (await listed(controller, plugin))?.state === InstanceState.LIVE;
  if (!(await isLive())) throw new NotMet('the plugin is not LIVE in ListPlugins', 'LIVE');
  // The lease starts after `sentAt`, so an answer that arrives within the TTL of that must still say LIVE.
  let lived = 0;
  const hasExpired = async () => {
    const live = await isLive();
    lived = Math.round(performance.now() - sentAt);
    return !live && lived < expected;
  };
  if (await eventually(hasExpired, expected - 300)) throw new NotMet(`live for ${lived} ms`, `at least ${expected} ms`);
  return `at least ${lived} ms${bound < minTtl ? `; the longest TTL of the controller is ${bound} ms` : ''}`;
}

/** Returns the plugin as the controller lists it. */
async function listed(controller: ControllerUnderTest, plugin: V0Plugin): Promise<PluginInstance | undefined> {
  const { instances } = await controller.client.listPlugins(
    { plugin: plugin.information.name ?? '' },
    controller.callOptions,
  );
  return instances.find(({ registration }) => registration?.address.endsWith(`:${plugin.port}`));
}
