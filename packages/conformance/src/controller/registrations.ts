import { randomUUID } from 'node:crypto';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import { InstanceState, RefusalReason } from '@kplug/protocol';
import { eventually } from '../eventually.ts';
import { describeAnswer } from '../plugin/describe-answer.ts';
import { NotMet, NotTried, type Requirement } from '../requirement.ts';
import type { ControllerUnderTest } from './controller-under-test.ts';
import { leaseTimesOf } from './lease-times.ts';

/** Longest TTL that the suite waits for, in milliseconds. */
const maxTtl = 30_000;

/** Requested intervals and TTLs. */
const requests = [
  {},
  { interval: durationFromMs(1) },
  { interval: durationFromMs(86_400_000) },
  { ttl: durationFromMs(1) },
  { interval: durationFromMs(5_000), ttl: durationFromMs(5_000) },
];

/** Requirements on registrations and leases. */
export const registrationRequirements: readonly Requirement<ControllerUnderTest>[] = [
  {
    number: 'C1',
    level: 'MUST',
    title: 'accepts a registration by Heartbeat',
    check: async (controller) => {
      const registration = controller.registration();
      const { interval, ttl } = leaseTimesOf(await controller.accepted(registration));
      await requireState(controller, registration.instanceId, InstanceState.LIVE);
      return `interval ${interval} ms, TTL ${ttl} ms`;
    },
  },
  {
    number: 'C1',
    level: 'MUST',
    title: 'accepts a registration by Session into the same registry',
    check: async (controller) => {
      const registration = controller.registration();
      const session = controller.session();
      session.register(registration);
      const { case: kind } = await session.answer();
      if (kind !== 'lease') throw new NotMet(`${kind}`, 'a lease');
      session.sendBeat();
      await requireState(controller, registration.instanceId, InstanceState.LIVE);
      // Heartbeats of one instance may arrive by either call.
      await controller.accepted(registration);
      return undefined;
    },
  },
  {
    number: 'C3',
    level: 'MUST',
    title: 'keeps an instance live for its TTL and no longer',
    check: checkTtl,
  },
  {
    number: 'C4',
    level: 'MUST',
    title: 'grants requested intervals within its limits, with a TTL of at least two intervals',
    check: async (controller) => {
      const granted: string[] = [];
      for (const request of requests) {
        const { interval, ttl } = leaseTimesOf(await controller.accepted(controller.registration(request)));
        granted.push(`${interval}/${ttl} ms`);
        if (!(interval > 0 && ttl >= 2 * interval))
          throw new NotMet(granted.at(-1) ?? '', 'a TTL of at least two intervals');
      }
      return granted.join(', ');
    },
  },
  {
    number: 'C5',
    level: 'MUST',
    title: 'refuses an instance id that is in use at another address',
    check: async (controller) => {
      const registration = controller.registration();
      await controller.accepted(registration);
      const { answer } = await controller.heartbeat({ ...registration, address: ':1' });
      const isConflict = answer.case === 'refusal' && answer.value.reason === RefusalReason.INSTANCE_CONFLICT;
      if (!isConflict) throw new NotMet(`${answer.case}`, 'a refusal with INSTANCE_CONFLICT');
      await requireState(controller, registration.instanceId, InstanceState.LIVE);
      return answer.value.message;
    },
  },
  refusesAddress('unspecified addresses', '0.0.0.0:7000'),
  refusesAddress('link-local addresses, unless they are allowed', '169.254.169.254:80'),
  {
    number: 'C6',
    level: 'MUST',
    title: 'refuses loopback addresses from other machines, unless they are allowed',
    check: async (controller) => {
      if (/^(localhost|127\.|\[::1\])/.test(controller.address)) {
        throw new NotTried('the controller is on this machine and may accept them; run the suite on another machine');
      }
      return requireNotAllowed(controller, '127.0.0.1:7000');
    },
  },
  {
    number: 'C35',
    level: 'MUST',
    title: 'refuses an unknown token',
    check: async (controller) => {
      const metadata = controller.metadata.clone();
      metadata.set('authorization', `Bearer ${randomUUID()}`);
      const registration = controller.registration();
      const options = { metadata, deadline: controller.deadline };
      const { answer } = await controller.client.heartbeat({ registration }, options);
      if (answer.case === 'refusal' && answer.value.reason === RefusalReason.UNAUTHENTICATED)
        return answer.value.message;
      throw new NotMet(`${answer.case}`, 'a refusal with UNAUTHENTICATED');
    },
  },
  {
    number: 'C7',
    level: 'MUST',
    title: 'treats an instance that deregisters as draining',
    check: async (controller) => {
      const registration = controller.registration();
      await controller.accepted(registration);
      await controller.client.deregister({ instanceId: registration.instanceId ?? '' }, controller.callOptions);
      await requireState(controller, registration.instanceId, InstanceState.DRAINING, undefined);
      return undefined;
    },
  },
];

async function checkTtl(controller: ControllerUnderTest): Promise<string> {
  const registration = controller.registration({ interval: durationFromMs(1), ttl: durationFromMs(1) });
  const { ttl } = leaseTimesOf(await controller.accepted(registration));
  if (ttl > maxTtl) throw new NotTried(`the shortest granted TTL is ${ttl} ms; the check needs at most ${maxTtl} ms`);
  const from = performance.now();
  const isExpired = async () => (await controller.find(registration.instanceId))?.state !== InstanceState.LIVE;
  const expired = await eventually(isExpired, ttl + controller.times.answer);
  const lived = Math.round(performance.now() - from);
  // The tolerances cover the time of the requests.
  if (!expired || lived > ttl + 2_000) throw new NotMet(`live for at least ${lived} ms`, `${ttl} ms, the TTL`);
  if (lived < ttl - 200) throw new NotMet(`live for ${lived} ms`, `${ttl} ms, the TTL`);
  return `${lived} ms, with a TTL of ${ttl} ms`;
}

/** Requires one of the given states; `undefined` means an instance that is not listed. */
async function requireState(
  controller: ControllerUnderTest,
  instanceId: string | undefined,
  ...states: (InstanceState | undefined)[]
): Promise<void> {
  const hasState = async () => states.includes((await controller.find(instanceId))?.state);
  if (await eventually(hasState, controller.times.answer)) return;
  const state = (await controller.find(instanceId))?.state;
  throw new NotMet(`${nameOfState(state)} in ListPlugins`, states.map(nameOfState).join(' or '));
}

function nameOfState(state: InstanceState | undefined): string {
  if (state === undefined) return 'not listed';
  return Object.entries(InstanceState).find(([, value]) => value === state)?.[0] ?? String(state);
}

function refusesAddress(description: string, address: string): Requirement<ControllerUnderTest> {
  const check = (controller: ControllerUnderTest) => requireNotAllowed(controller, address);
  return { number: 'C6', level: 'MUST', title: `refuses ${description}`, check };
}

async function requireNotAllowed(controller: ControllerUnderTest, address: string): Promise<string> {
  const { answer } = await controller.heartbeat(controller.registration({ address }));
  if (answer.case === 'refusal' && answer.value.reason === RefusalReason.ADDRESS_NOT_ALLOWED)
    return answer.value.message;
  const seen = answer.case === 'refusal' ? describeAnswer(answer.value.message) : `${address} is accepted`;
  throw new NotMet(seen, 'a refusal with ADDRESS_NOT_ALLOWED');
}
