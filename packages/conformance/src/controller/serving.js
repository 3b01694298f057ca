import * as grpc from '@grpc/grpc-js';
import { isServiceError, RegistryService } from '@kplug/protocol';
import { describeAnswer } from '../plugin/describe-answer.js';
import { NotMet } from '../requirement.js';
import { until } from '../until.js';
import { checkHealth, listServices } from '../wire.js';
import { answerTime } from './controller-under-test.js';

/** More than any registration has. */
const tooLarge = 8 * 1024 * 1024;
/** What is required of the way a controller serves its registry. */
export const serving = [
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
      const answer = await controller.heartbeat(controller.registration({ labels })).catch((error) => error);
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
      const services = await listServices(client.$client, answerTime).catch((error) => [describeAnswer(error)]);
      if (services.includes(RegistryService.typeName)) return undefined;
      throw new NotMet(services.join(', ') || 'no service', RegistryService.typeName);
    },
  },
];
async function checkWatch(controller) {
  const before = controller.registration();
  await controller.accepted(before);
  const seen = [];
  const watch = controller.client.watchPlugins({});
  watch.on('data', ({ event }) => {
    seen.push(event.case === 'instance' ? (event.value.registration?.instanceId ?? '') : `${event.case}`);
  });
  watch.on('error', (error) => seen.push(describeAnswer(error)));
  const demand = async (what, isThere) => {
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
//# sourceMappingURL=serving.js.map
