import * as grpc from '@grpc/grpc-js';
import { isServiceError, RegistryService, type WatchPluginsResponse } from '@kplug/protocol';
import { describeAnswer } from '../plugin/describe-answer.ts';
import { NotMet, type Requirement } from '../requirement.ts';
import { until } from '../until.ts';
import { checkHealth, listServices } from '../wire.ts';
import { answerTime, type ControllerUnderTest } from './controller-under-test.ts';

/** More than any registration has. */
const tooLarge = 8 * 1024 * 1024;

/** What is required of the way a controller serves its registry. */
export const serving: readonly Requirement<ControllerUnderTest>[] = [
  {
    number: 'C28',
    level: 'MUST',
    title: 'ends a session whose first message is no registration, with an error',
    check: async (controller) => {
      const session = controller.session();
      session.beat();
      const ending = await session.ending();
      if (ending === undefined || ending === 'ended') throw new NotMet(ending ?? 'it goes on', 'FAILED_PRECONDITION');
      return ending;
    },
  },
  {
    number: 'C29',
    level: 'MUST',
    title: 'succeeds in deregistering what it does not know',
    check: async ({ client }) => {
      await client.deregister({ instanceId: 'never-registered' }, { deadline: Date.now() + answerTime });
      return undefined;
    },
  },
  {
    number: 'C30',
    level: 'MUST',
    title: 'refuses messages that are too large, and goes on',
    check: async (controller) => {
      const labels = { large: 'x'.repeat(tooLarge) };
      const answer = await controller.heartbeat(controller.registration({ labels })).catch((error: unknown) => error);
      if (!isServiceError(answer)) throw new NotMet('an answer to a message of 8 MiB', 'RESOURCE_EXHAUSTED');
      if (answer.code !== grpc.status.RESOURCE_EXHAUSTED)
        throw new NotMet(describeAnswer(answer), 'RESOURCE_EXHAUSTED');
      await controller.accepted(controller.registration());
      return answer.details;
    },
  },
  {
    number: 'C31',
    level: 'MUST',
    title: 'lists and watches what it knows: what there is, a mark, and each change',
    check: checkWatch,
  },
  {
    number: 'C32',
    level: 'SHOULD',
    title: 'serves grpc.health.v1.Health',
    check: async ({ client }) => {
      const health = await checkHealth(client.$client, answerTime).catch(describeAnswer);
      if (health !== 'SERVING') throw new NotMet(health, 'SERVING for the service ""');
      return undefined;
    },
  },
  {
    number: 'C32',
    level: 'SHOULD',
    title: 'serves server reflection',
    check: async ({ client }) => {
      const services = await listServices(client.$client, answerTime).catch((error: unknown) => [
        describeAnswer(error),
      ]);
      if (services.includes(RegistryService.typeName)) return undefined;
      throw new NotMet(services.join(', ') || 'no service', RegistryService.typeName);
    },
  },
];

async function checkWatch(controller: ControllerUnderTest): Promise<undefined> {
  const before = controller.registration();
  await controller.accepted(before);
  const seen: string[] = [];
  const watch = controller.client.watchPlugins({});
  watch.on('data', ({ event }: WatchPluginsResponse) => {
    seen.push(event.case === 'instance' ? (event.value.registration?.instanceId ?? '') : `${event.case}`);
  });
  watch.on('error', (error: Error) => seen.push(describeAnswer(error)));
  const demand = async (what: string, isThere: () => boolean) => {
    if (!(await until(() => isThere() || undefined, answerTime))) throw new NotMet(seen.join(', ') || 'nothing', what);
  };
  try {
    await demand('the end of the first listing', () => seen.includes('synced'));
    const index = seen.indexOf(before.instanceId ?? '');
    if (index < 0 || index > seen.indexOf('synced')) throw new NotMet(seen.join(', '), 'the instance before the mark');
    const after = controller.registration();
    await controller.accepted(after);
    await demand('the instance that came since', () => seen.includes(after.instanceId ?? ''));
    return undefined;
  } finally {
    watch.cancel();
  }
}
