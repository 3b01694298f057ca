import { randomUUID } from 'node:crypto';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import * as grpc from '@grpc/grpc-js';
import { InstanceState, RefusalReason } from '@kplug/protocol';
import { describeAnswer } from '../plugin/describe-answer.js';
import { NotMet, NotTried } from '../requirement.js';
import { until } from '../until.js';
import { answerTime } from './controller-under-test.js';
import { termsOf } from './terms.js';

/** The longest TTL that is waited for, in milliseconds. */
const longestTtl = 30_000;
const wishes = [
  {},
  { interval: durationFromMs(1) },
  { interval: durationFromMs(86_400_000) },
  { ttl: durationFromMs(1) },
  { interval: durationFromMs(5_000), ttl: durationFromMs(5_000) },
];
/** What is required of the way a controller hears plugins. */
export const hearing = [
  {
    number: 'C1',
    level: 'MUST',
    title: 'accepts a registration by Heartbeat',
    check: async (controller) => {
      const registration = controller.registration();
      const { interval, ttl } = termsOf(await controller.accepted(registration));
      await demandState(controller, registration.instanceId, InstanceState.LIVE);
      return `interval ${interval} ms, TTL ${ttl} ms`;
    },
  },
  {
    number: 'C1',
    level: 'MUST',
    title: 'accepts a registration in a Session, into the same registry',
    check: async (controller) => {
      const registration = controller.registration();
      const session = controller.session();
      session.register(registration);
      const { case: kind } = await session.answer();
      if (kind !== 'lease') throw new NotMet(`${kind}`, 'a lease');
      session.beat();
      await demandState(controller, registration.instanceId, InstanceState.LIVE);
      // What is known by one way can be heard by the other.
      await controller.accepted(registration);
      return undefined;
    },
  },
  {
    number: 'C3',
    level: 'MUST',
    title: 'believes an instance for its TTL, and no longer',
    check: checkTtl,
  },
  {
    number: 'C4',
    level: 'MUST',
    title: 'grants wishes within its bounds, with a TTL of two intervals at least',
    check: async (controller) => {
      const granted = [];
      for (const wish of wishes) {
        const { interval, ttl } = termsOf(await controller.accepted(controller.registration(wish)));
        granted.push(`${interval}/${ttl} ms`);
        if (!(interval > 0 && ttl >= 2 * interval)) throw new NotMet(granted.at(-1) ?? '', 'a TTL of two intervals');
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
      if (!isConflict) throw new NotMet(`${answer.case}`, 'a refusal for INSTANCE_CONFLICT');
      await demandState(controller, registration.instanceId, InstanceState.LIVE);
      return answer.value.message;
    },
  },
  refusesAddress('unspecified addresses', '0.0.0.0:7000'),
  refusesAddress('link-local addresses, unless they are allowed', '169.254.169.254:80'),
  {
    number: 'C6',
    level: 'MUST',
    title: 'refuses loopback addresses from elsewhere, unless they are allowed',
    check: async (controller) => {
      if (/^(localhost|127\.|\[::1\])/.test(controller.address)) {
        throw new NotTried('it is on this machine, from which it may take them; run it from another');
      }
      return demandNotAllowed(controller, '127.0.0.1:7000');
    },
  },
  {
    number: 'C35',
    level: 'MUST',
    title: 'refuses a token that it does not know',
    check: async (controller) => {
      const metadata = new grpc.Metadata();
      metadata.set('authorization', `Bearer ${randomUUID()}`);
      const registration = controller.registration();
      const options = { metadata, deadline: Date.now() + answerTime };
      const { answer } = await controller.client.heartbeat({ registration }, options);
      if (answer.case === 'refusal' && answer.value.reason === RefusalReason.UNAUTHENTICATED)
        return answer.value.message;
      throw new NotMet(`${answer.case}`, 'a refusal for UNAUTHENTICATED');
    },
  },
  {
    number: 'C7',
    level: 'MUST',
    title: 'takes an instance that deregisters for one that is draining',
    check: async (controller) => {
      const registration = controller.registration();
      await controller.accepted(registration);
      await controller.client.deregister({ instanceId: registration.instanceId ?? '' });
      await demandState(controller, registration.instanceId, InstanceState.DRAINING, undefined);
      return undefined;
    },
  },
];
async function checkTtl(controller) {
  const wish = { interval: durationFromMs(1), ttl: durationFromMs(1) };
  const registration = controller.registration(wish);
  const { ttl } = termsOf(await controller.accepted(registration));
  if (ttl > longestTtl) throw new NotTried(`the shortest TTL that it grants is ${ttl} ms; more than is waited for`);
  const from = performance.now();
  const gone = await until(async () => {
    const known = await controller.known(registration.instanceId);
    return known?.state === InstanceState.LIVE ? undefined : true;
  }, ttl + 5_000);
  const believed = Math.round(performance.now() - from);
  // What it takes to answer and to ask.
  if (!gone || believed > ttl + 2_000) throw new NotMet(`believed for ${believed} ms or more`, `${ttl} ms, its TTL`);
  if (believed < ttl - 200) throw new NotMet(`believed for ${believed} ms`, `${ttl} ms, its TTL`);
  return `${believed} ms, with a TTL of ${ttl} ms`;
}
/** The instance has one of the states; `undefined` stands for one that isn't known. */
async function demandState(controller, instanceId, ...states) {
  const look = async () => states.includes((await controller.known(instanceId))?.state) || undefined;
  if (await until(look, 2_000)) return;
  const state = (await controller.known(instanceId))?.state;
  throw new NotMet(`ListPlugins says ${nameOfState(state)}`, states.map(nameOfState).join(' or '));
}
function nameOfState(state) {
  if (state === undefined) return 'nothing of it';
  return Object.entries(InstanceState).find(([, value]) => value === state)?.[0] ?? String(state);
}
function refusesAddress(what, address) {
  const check = (controller) => demandNotAllowed(controller, address);
  return { number: 'C6', level: 'MUST', title: `refuses ${what}`, check };
}
async function demandNotAllowed(controller, address) {
  const { answer } = await controller.heartbeat(controller.registration({ address }));
  if (answer.case === 'refusal' && answer.value.reason === RefusalReason.ADDRESS_NOT_ALLOWED)
    return answer.value.message;
  const seen = answer.case === 'refusal' ? describeAnswer(answer.value.message) : `${address} is accepted`;
  throw new NotMet(seen, 'a refusal for ADDRESS_NOT_ALLOWED');
}
//# sourceMappingURL=registering.js.map
