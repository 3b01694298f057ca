import { durationFromMs } from '@bufbuild/protobuf/wkt';
import * as grpc from '@grpc/grpc-js';
import { InstanceState, isServiceError, type PluginInstance, type v0 } from '@kplug/protocol';
import { describeAnswer } from '../plugin/describe-answer.ts';
import { NotMet, NotTried, type Requirement } from '../requirement.ts';
import { until } from '../until.ts';
import type { ControllerUnderTest } from './controller-under-test.ts';
import { V0Plugin } from './delegated/v0-plugin.ts';
import { termsOf } from './terms.ts';

/** How long such a plugin is believed at the least, in milliseconds. */
const shortestTtl = 15_000;

/** What heartbeats must not be taken. */
const malformed: readonly [string, Parameters<V0Plugin['beat']>[0]][] = [
  ['without an address', { address: '' }],
  ['without a name', { name: '' }],
  ['without an API', { api: '' }],
  ['whose address has no port', { address: 'nowhere' }],
  ['whose name has a space', { name: 'First Kplug' }],
];

/** What is sent as a version, and what it is read as. */
const versions: readonly [string, RegExp][] = [
  ['1.2.3', /^1\.2\.3$/],
  ['v1', /^1\.0\.0$/],
  ['1.2', /^1\.2\.0$/],
  ['v1alpha2', /^1\.0\.0-alpha\.2$/],
  ['nightly', /^0\.0\.0(\+.*)?$/],
  ['', /^0\.0\.0(\+.*)?$/],
];

/** What is required of the way a controller hears plugins of the first Kplug's protocol. */
export const v0Beating: readonly Requirement<ControllerUnderTest>[] = [
  {
    number: 'C18',
    level: 'MUST',
    title: "takes plugins of the first Kplug's protocol only where that is allowed",
    check: async (controller) => {
      const { accepted, notAcceptedReason } = await heard(controller);
      if (!accepted) return `it takes none: ${notAcceptedReason}`;
      throw new NotTried("it takes them; whether its owner has allowed that can't be seen from a plugin's side");
    },
  },
  ...malformed.map(
    ([what, fault]): Requirement<ControllerUnderTest> => ({
      number: 'C19',
      level: 'MUST',
      title: `answers a heartbeat ${what} with the reason why it is not accepted`,
      check: async (controller) => {
        await heard(controller);
        await using plugin = await playing(controller);
        const answer = await plugin.beat(fault).catch((error: unknown) => error as grpc.ServiceError);
        if (isServiceError(answer)) throw new NotMet(describeAnswer(answer), 'accepted: false, not an error');
        if (answer.accepted) throw new NotMet('accepted: true', 'accepted: false');
        if (answer.notAcceptedReason) return answer.notAcceptedReason;
        throw new NotMet('accepted: false without a reason', 'the reason');
      },
    }),
  ),
  { number: 'C20', level: 'MUST', title: 'believes such a plugin for 15 s at least', check: checkTtl },
  {
    number: 'C21',
    level: 'MUST',
    title: 'reads whatever is sent as a version',
    check: async (controller) => {
      await demandTaken(controller);
      await using plugin = await playing(controller);
      for (const [sent, expected] of versions) {
        const { accepted, notAcceptedReason } = await plugin.beat({ version: sent, apiVersion: sent });
        if (!accepted) throw new NotMet(`"${sent}" is not accepted: ${notAcceptedReason}`, 'any version');
        const { registration } = (await known(controller, plugin)) ?? {};
        const read = [registration?.version, registration?.apis[0]?.version];
        const wrong = read.find((version) => !expected.test(version ?? ''));
        if (wrong !== undefined) throw new NotMet(`"${sent}" is read as ${wrong}`, `${expected.source}`);
      }
      return undefined;
    },
  },
];

/** Throws `NotTried` when the controller doesn't take plugins of the first Kplug's protocol. */
export async function demandTaken(controller: ControllerUnderTest): Promise<void> {
  const { accepted, notAcceptedReason } = await heard(controller);
  if (!accepted) throw new NotTried(`it takes no plugins of the first Kplug's protocol: ${notAcceptedReason}`);
}

/** What it answers to a heartbeat in which nothing is wrong. Throws `NotTried` when it doesn't serve such. */
async function heard(controller: ControllerUnderTest): Promise<v0.PluginHeartbeatResponse> {
  await using plugin = await playing(controller);
  const answer = await plugin.beat().catch((error: unknown) => error);
  if (isServiceError(answer) && answer.code === grpc.status.UNIMPLEMENTED) {
    throw new NotTried("it doesn't serve kplug.Controller, which is optional");
  }
  if (isServiceError(answer)) throw new NotMet(describeAnswer(answer), 'an answer, not an error');
  return answer as v0.PluginHeartbeatResponse;
}

function playing({ address }: ControllerUnderTest): Promise<V0Plugin> {
  return V0Plugin.start(address, { name: 'KplugConformance', version: 'v1' });
}

async function checkTtl(controller: ControllerUnderTest): Promise<string> {
  await demandTaken(controller);
  const longest = { interval: durationFromMs(shortestTtl / 2), ttl: durationFromMs(shortestTtl) };
  const bound = termsOf(await controller.accepted(controller.registration(longest))).ttl;
  const expected = Math.min(shortestTtl, bound);
  await using plugin = await playing(controller);
  await plugin.beat();
  const from = performance.now();
  const isLive = async () => (await known(controller, plugin))?.state === InstanceState.LIVE;
  if (!(await isLive())) throw new NotMet('ListPlugins does not say that it is live', 'LIVE');
  // What it takes to ask.
  const ended = await until(async () => !(await isLive()) || undefined, expected - 300);
  const believed = Math.round(performance.now() - from);
  if (ended) throw new NotMet(`believed for ${believed} ms`, `${expected} ms at the least`);
  return `${believed} ms and more${bound < shortestTtl ? `; its bounds are ${bound} ms` : ''}`;
}

/** The plugin as the controller knows it. */
async function known(controller: ControllerUnderTest, plugin: V0Plugin): Promise<PluginInstance | undefined> {
  const { instances } = await controller.client.listPlugins({ plugin: plugin.information.name ?? '' });
  return instances.find(({ registration }) => registration?.address.endsWith(`:${plugin.port}`));
}
