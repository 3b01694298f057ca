import { isDeepStrictEqual } from 'node:util';
import { NotMet } from '../requirement.js';
import { until } from '../until.js';
import { describeAnswer } from './describe-answer.js';
import { getInfo } from './get-info.js';
import { addressOf } from './life.js';

/** As semver.org gives it. */
const semanticVersion =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-((0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(\.(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?$/;
const name = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;
/** How long a plugin may take to register again, in milliseconds: the longest wait of P6, and time to connect. */
const comeBackTime = 15_000;
/** How long attempts are counted, in milliseconds, and how many a plugin that waits between them makes at the most. */
const stormTime = 2_000;
const stormAttempts = 20;
/** What is required of the way a plugin registers, tried while it runs. */
export const registering = [
  {
    number: 'P1',
    level: 'MUST',
    title: 'registers with the registry',
    check: async ({ life }) => (life.registered.way === 'session' ? 'by a session' : 'by heartbeats'),
  },
  {
    number: 'P2',
    level: 'MUST',
    title: 'registers with a name, versions, an API, an address and an instance id',
    check: async ({ life }) => {
      const faults = faultsOf(life.registered.registration);
      if (faults.length > 0) throw new NotMet(faults.join(', '), 'a registration that every controller accepts');
      return undefined;
    },
  },
  {
    number: 'P4',
    level: 'MUST',
    title: 'is reached at the address that it registers',
    check: async ({ life }) => {
      const address = addressOf(life.registered);
      const { instanceId } = life.registered.registration;
      const info = await getInfo(address).catch(describeAnswer);
      if (typeof info === 'string')
        throw new NotMet(`${address} doesn't answer: ${info}`, `the instance ${instanceId}`);
      return address;
    },
  },
  {
    number: 'P5',
    level: 'MUST',
    title: 'beats at least once in the interval that it is told',
    check: checkBeats,
  },
];
/** What is required of a plugin whose controller goes away or behaves badly. Tried when all else has been. */
export const hearing = [
  {
    number: 'P6',
    level: 'MUST',
    title: 'registers again when the controller was restarted',
    check: async ({ life }) => {
      const { instanceId } = life.registered.registration;
      life.registry.close();
      const from = performance.now();
      await wait(2 * life.registry.interval);
      await life.registry.listen();
      const back = await life.registration(from, comeBackTime);
      life.isHeard = back !== undefined;
      if (!back) throw new NotMet(`nothing for ${comeBackTime / 1_000} s`, 'a registration');
      const id = back.registration?.instanceId;
      if (id !== instanceId) throw new NotMet(`a registration as ${id}`, `one as ${instanceId}, the same process`);
      return `after ${Math.round(back.at - from)} ms`;
    },
  },
  {
    number: 'P6',
    level: 'SHOULD',
    title: 'waits longer and longer between tries to register',
    check: async ({ life }) => {
      life.demandHeard();
      const from = performance.now();
      life.registry.behave('unavailable');
      await wait(stormTime);
      const attempts = life.registry.since(from, 'registration').length;
      life.registry.behave('accepting');
      await life.registration(performance.now(), comeBackTime);
      const seen = `${attempts} tries in ${stormTime / 1_000} s`;
      if (attempts > stormAttempts) throw new NotMet(seen, `at most ${stormAttempts}`);
      return seen;
    },
  },
  {
    number: 'P7',
    level: 'SHOULD',
    title: 'beats by Heartbeat where the controller has no sessions',
    check: async ({ life }) => {
      life.demandHeard();
      const from = performance.now();
      life.registry.behave('withoutSessions');
      try {
        const beats = () =>
          life.registry.since(from).filter(({ way, registration }) => way === 'heartbeat' && registration);
        await until(() => beats()[1], comeBackTime);
        if (beats().length > 1) return undefined;
        throw new NotMet(`${beats().length} heartbeats in ${comeBackTime / 1_000} s`, 'beats by Heartbeat');
      } finally {
        life.registry.behave('accepting');
      }
    },
  },
];
async function checkBeats({ life }) {
  const { registered, registry } = life;
  const from = Math.max(registered.at, performance.now() - registry.interval);
  await wait(4 * registry.interval);
  // What a busy machine, and timers that don't fire to the tick, take.
  const longest = 1.5 * registry.interval + 200;
  const times = registry.since(from, 'registration', 'beat').map(({ at }) => at);
  const all = [from, ...times, performance.now()];
  const gap = Math.round(Math.max(...all.slice(1).map((at, index) => at - (all[index] ?? at))));
  const expected = `a beat in each interval of ${registry.interval} ms`;
  if (gap > longest) throw new NotMet(`${gap} ms without one, and ${times.length} in all`, expected);
  return `${gap} ms apart at the most, told ${registry.interval} ms`;
}
function faultsOf(registration) {
  const { address, instanceId } = registration;
  const faults = faultsOfIdentity(registration);
  const demand = (isMet, fault) => isMet || faults.push(fault);
  demand(/^([^:]*|\[[0-9a-fA-F:.]+\]):\d{1,5}$/.test(address) && !/:0*$/.test(address), `the address "${address}"`);
  demand(instanceId.length > 0 && instanceId.length <= 128, `the instance id "${instanceId}"`);
  return faults;
}
/** What is wrong with what a plugin says that it is. */
export function faultsOfIdentity({ plugin, version, apis }) {
  const faults = [];
  const demand = (isMet, fault) => isMet || faults.push(fault);
  demand(name.test(plugin), `the name "${plugin}"`);
  demand(semanticVersion.test(version), `the version "${version}"`);
  demand(apis.length > 0, 'no API');
  for (const api of apis) {
    demand(name.test(api.name), `the API "${api.name}"`);
    demand(semanticVersion.test(api.version), `the version "${api.version}" of the API ${api.name}`);
  }
  return faults;
}
/** What GetInfo says otherwise than the registration. */
export function contradictions(info, registration) {
  const fields = ['plugin', 'version', 'instanceId'];
  const differing = fields.flatMap((field) => {
    if (info[field] === registration[field]) return [];
    return [`${field} is "${info[field]}" in GetInfo and "${registration[field]}" in the registration`];
  });
  return isDeepStrictEqual(info.apis, registration.apis) ? differing : [...differing, 'the APIs differ'];
}
function wait(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
//# sourceMappingURL=registering.js.map
