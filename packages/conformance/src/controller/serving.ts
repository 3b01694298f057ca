import * as grpc from '@grpc/grpc-js';
import { isServiceError, RegistryService, type WatchPluginsResponse } from '@kplug/protocol';
import { eventually } from '../eventually.ts';
import { describeAnswer } from '../plugin/describe-answer.ts';
import { NotMet, type Requirement } from '../requirement.ts';
import { checkHealth, listServices } from '../wire.ts';
import type { ControllerUnderTest } from './controller-under-test.ts';

/** Size of a message that the controller must refuse, in bytes. */
const oversize = 8 * 1024 * 1024;

/** Requirements on the registry service. */
export const servingRequirements: readonly Requirement<ControllerUnderTest>[] = [
  {
    number: 'C28',
    level: 'MUST',
    title: 'ends a session whose first message is not a registration with an error',
    check: async (controller) => {
      const session = controller.session();
      session.sendBeat();
      const ending = await session.ending();
      if (ending === undefined || ending === 'ended')
        throw new NotMet(ending ?? 'the session stays open', 'FAILED_PRECONDITION');
      return ending;
    },
  },
  {
    number: 'C29',
    level: 'MUST',
    title: 'answers Deregister of an unknown instance with success',
    check: async ({ client, deadline }) => {
      await client.deregister({ instanceId: 'never-registered' }, { deadline });
      return undefined;
    },
  },
  {
    number: 'C30',
    level: 'MUST',
    title: 'refuses oversized messages and keeps serving',
    check: async (controller) => {
      const labels = { large: 'x'.repeat(oversize) };
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
    title: 'lists and watches instances: existing ones, a synced mark, and each change',
    check: checkWatch,
  },
  {
    number: 'C32',
    level: 'SHOULD',
    title: 'serves grpc.health.v1.Health',
    check: async ({ client, times }) => {
      const health = await checkHealth(client.$client, times.answer).catch(describeAnswer);
      if (health !== 'SERVING') throw new NotMet(health, 'SERVING for the service ""');
      return undefined;
    },
  },
  {
    number: 'C32',
    level: 'SHOULD',
    title: 'serves server reflection',
    check: async ({ client, times }) => {
      const services = await listServices(client.$client, times.answer).catch((error: unknown) => [
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
  const waitFor = async (expected: string, isReceived: () => boolean) => {
    const received = await eventually(isReceived, controller.times.answer);
    if (!received) throw new NotMet(seen.join(', ') || 'nothing', expected);
  };
  try {
    await waitFor('the synced mark', () => seen.includes('synced'));
    const index = seen.indexOf(before.instanceId ?? '');
    if (index < 0 || index > seen.indexOf('synced'))
      throw new NotMet(seen.join(', '), 'the instance before the synced mark');
    const after = controller.registration();
    await controller.accepted(after);
    await waitFor('the instance that registered afterwards', () => seen.includes(after.instanceId ?? ''));
    return undefined;
  } finally {
    watch.cancel();
  }
}
