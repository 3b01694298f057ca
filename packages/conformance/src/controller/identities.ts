import { randomBytes } from 'node:crypto';
import * as grpc from '@grpc/grpc-js';
import { InstanceState, isServiceError, RefusalReason } from '@kplug/protocol';
import { describeAnswer } from '../plugin/describe-answer.ts';
import { NotMet, NotTried, type Requirement } from '../requirement.ts';
import type { ControllerUnderTest } from './controller-under-test.ts';

/** Requirements on the identities of plugins. */
export const identityRequirements: readonly Requirement<ControllerUnderTest>[] = [
  {
    number: 'C5',
    level: 'MUST',
    title: 'refuses an instance id that is in use at another address, while it is draining, too',
    check: async (controller) => {
      const registration = controller.registration();
      await controller.accepted(registration);
      await controller.client.deregister({ instanceId: registration.instanceId ?? '' }, controller.callOptions);
      const { answer } = await controller.heartbeat({ ...registration, address: ':1' });
      if (answer.case === 'refusal' && answer.value.reason === RefusalReason.INSTANCE_CONFLICT)
        return answer.value.message;
      throw new NotMet(`${answer.case}`, 'a refusal with INSTANCE_CONFLICT');
    },
  },
  {
    number: 'C37',
    level: 'MUST',
    title: 'gives an instance that brings no secret one in its first lease, and demands it from then on',
    check: async (controller) => {
      const registration = controller.registration();
      const bare = controller.credentials();
      const first = await controller.client.heartbeat({ registration }, { ...controller.callOptions, metadata: bare });
      const secret = first.answer.case === 'lease' ? first.answer.value.secret : '';
      // A proven identity of one process needs no secret besides.
      if (secret === '' && controller.hasIdentity) return 'the proven identity takes the place of a secret';
      if (secret === '') throw new NotMet(`${first.answer.case} without a secret`, 'a lease with a secret');
      await requireUnauthenticated(controller, registration, bare, 'without the secret');
      await requireUnauthenticated(controller, registration, controller.stranger(), 'with another secret');
      const own = controller.credentials(secret);
      const { answer } = await controller.client.heartbeat(
        { registration },
        { ...controller.callOptions, metadata: own },
      );
      if (answer.case !== 'lease') throw new NotMet(`${answer.case} to the secret of the lease`, 'a lease');
      return `${secret.length} characters`;
    },
  },
  {
    number: 'C37',
    level: 'MUST',
    title: 'refuses a session of another process for a known instance id',
    check: async (controller) => {
      const registration = controller.registration();
      await controller.accepted(registration);
      const session = controller.session(controller.stranger());
      session.register(registration);
      const { case: kind, value } = await session.answer();
      if (kind === 'refusal' && value.reason === RefusalReason.UNAUTHENTICATED) return value.message;
      throw new NotMet(`${kind}`, 'a refusal with UNAUTHENTICATED');
    },
  },
  {
    number: 'C38',
    level: 'MUST',
    title: 'lets no other process deregister an instance',
    check: async (controller) => {
      const { instanceId = '', ...rest } = controller.registration();
      await controller.accepted({ instanceId, ...rest });
      const strangers = { ...controller.callOptions, metadata: controller.stranger() };
      const answer = await controller.client.deregister({ instanceId }, strangers).catch((error: unknown) => error);
      const state = (await controller.find(instanceId))?.state;
      if (state !== InstanceState.LIVE)
        throw new NotMet(`the state ${state} after Deregister of another process`, 'LIVE');
      if (!isServiceError(answer)) throw new NotMet('success', 'an error');
      return describeAnswer(answer);
    },
  },
  {
    number: 'C39',
    level: 'MUST',
    title: 'accepts no plugin without an identity, if it demands one',
    check: async (controller) => {
      const metadata = await requireIdentities(controller);
      await requireUnauthenticated(controller, controller.registration(), metadata, 'without an identity');
      return undefined;
    },
  },
  {
    number: 'C39',
    level: 'MUST',
    title: 'lists no plugins to clients without an identity, if it demands one',
    check: async (controller) => {
      const metadata = await requireIdentities(controller);
      const options = { deadline: controller.deadline, metadata };
      const answer = await controller.bareClient.listPlugins({}, options).catch((error: unknown) => error);
      if (isServiceError(answer) && answer.code === grpc.status.UNAUTHENTICATED) return answer.details;
      throw new NotMet(isServiceError(answer) ? describeAnswer(answer) : 'a list', 'UNAUTHENTICATED');
    },
  },
];

async function requireUnauthenticated(
  { bareClient, deadline }: ControllerUnderTest,
  registration: Parameters<ControllerUnderTest['heartbeat']>[0],
  metadata: grpc.Metadata,
  how: string,
): Promise<void> {
  const { answer } = await bareClient.heartbeat({ registration }, { deadline, metadata });
  if (answer.case === 'refusal' && answer.value.reason === RefusalReason.UNAUTHENTICATED) return;
  throw new NotMet(`${answer.case} ${how}`, 'a refusal with UNAUTHENTICATED');
}

/** Returns the metadata of a client without an identity. Throws `NotTried` for a controller that demands none. */
async function requireIdentities(controller: ControllerUnderTest): Promise<grpc.Metadata> {
  if (!controller.hasIdentity) {
    throw new NotTried('the controller demands no identity; check one that does, and give --token-file or --cert');
  }
  const metadata = new grpc.Metadata();
  metadata.set('kplug-secret', randomBytes(32).toString('base64url'));
  return metadata;
}
