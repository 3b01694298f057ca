import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { getInfo } from '@kplug/controller/tools';
import type { Registration } from '@kplug/protocol';
import { eventually } from '../eventually.ts';
import { NotMet, type Requirement } from '../requirement.ts';
import { describeAnswer } from './describe-answer.ts';
import { addressOf } from './plugin-run.ts';
import type { PluginUnderTest } from './plugin-under-test.ts';

/** Semantic version, from semver.org. */
const semanticVersion =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-((0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(\.(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?$/;
const name = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;
const capabilityVersion = /^[A-Za-z0-9]([A-Za-z0-9._+-]{0,61}[A-Za-z0-9])?$/;

/** Registration attempts that a plugin with back-off makes at most while they are counted. */
const maxAttempts = 20;

/** Requirements on the registration. Checked while the plugin runs. */
export const registrationRequirements: readonly Requirement<PluginUnderTest>[] = [
  {
    number: 'P1',
    level: 'MUST',
    title: 'registers with the registry',
    check: async ({ run }) => (run.registered.call === 'session' ? 'by Session' : 'by Heartbeat'),
  },
  {
    number: 'P2',
    level: 'MUST',
    title: 'registers with a name, versions, an API, an address and an instance id',
    check: async ({ run }) => {
      const faults = faultsOf(run.registered.registration);
      if (faults.length > 0) throw new NotMet(faults.join(', '), 'a registration that every controller accepts');
      return undefined;
    },
  },
  {
    number: 'P4',
    level: 'MUST',
    title: 'is reachable at the address that it registers',
    check: async ({ run }) => {
      const address = addressOf(run.registered);
      const { instanceId } = run.registered.registration;
      const info = await getInfo(address).catch(describeAnswer);
      if (typeof info === 'string') throw new NotMet(`no answer at ${address}: ${info}`, `the instance ${instanceId}`);
      return address;
    },
  },
  {
    number: 'P5',
    level: 'MUST',
    title: 'sends at least one heartbeat in each granted interval',
    check: checkHeartbeats,
  },
];

/** Requirements on the behaviour when the controller restarts or fails. Checked after the others, as it disturbs them. */
export const reconnectionRequirements: readonly Requirement<PluginUnderTest>[] = [
  {
    number: 'P6',
    level: 'MUST',
    title: 'registers again after a restart of the controller',
    check: async ({ run }) => {
      const { instanceId } = run.registered.registration;
      run.registry.close();
      const from = performance.now();
      await delay(2 * run.registry.interval);
      await run.registry.listen();
      const next = await run.registration(from, run.times.reconnect);
      run.isRegistered = next !== undefined;
      if (!next) throw new NotMet(`no registration in ${run.times.reconnect / 1_000} s`, 'a registration');
      const id = next.registration?.instanceId;
      if (id !== instanceId)
        throw new NotMet(`a registration with the instance id ${id}`, `the instance id ${instanceId}`);
      return `after ${Math.round(next.at - from)} ms`;
    },
  },
  {
    number: 'P6',
    level: 'SHOULD',
    title: 'increases the delay between attempts to register',
    check: async ({ run }) => {
      run.requireRegistered();
      const from = performance.now();
      run.registry.behave('unavailable');
      await delay(run.times.attempts);
      const attempts = run.registry.since(from, 'registration').length;
      run.registry.behave('accepting');
      await run.registration(performance.now(), run.times.reconnect);
      const seen = `${attempts} attempts in ${run.times.attempts / 1_000} s`;
      if (attempts > maxAttempts) throw new NotMet(seen, `at most ${maxAttempts} attempts`);
      return seen;
    },
  },
  {
    number: 'P7',
    level: 'SHOULD',
    title: 'sends heartbeats by Heartbeat if the controller has no sessions',
    check: async ({ run }) => {
      run.requireRegistered();
      const from = performance.now();
      run.registry.behave('withoutSessions');
      try {
        const heartbeats = () =>
          run.registry.since(from).filter(({ call, registration }) => call === 'heartbeat' && registration);
        await eventually(() => heartbeats()[1], run.times.reconnect);
        if (heartbeats().length > 1) return undefined;
        const seen = `${heartbeats().length} heartbeats in ${run.times.reconnect / 1_000} s`;
        throw new NotMet(seen, 'heartbeats by Heartbeat');
      } finally {
        run.registry.behave('accepting');
      }
    },
  },
];

async function checkHeartbeats({ run }: Pick<PluginUnderTest, 'run'>): Promise<string> {
  const { registered, registry } = run;
  const from = Math.max(registered.at, performance.now() - registry.interval);
  await delay(4 * registry.interval);
  // The tolerance covers a busy machine and late timers.
  const maxGap = 1.5 * registry.interval + 200;
  const times = registry.since(from, 'registration', 'beat').map(({ at }) => at);
  const all = [from, ...times, performance.now()];
  const gap = Math.round(Math.max(...all.slice(1).map((at, index) => at - (all[index] ?? at))));
  const expected = `a heartbeat in each interval of ${registry.interval} ms`;
  if (gap > maxGap) throw new NotMet(`${gap} ms without a heartbeat, ${times.length} heartbeats in total`, expected);
  return `at most ${gap} ms apart, with an interval of ${registry.interval} ms`;
}

function faultsOf(registration: Registration): string[] {
  const { address, instanceId } = registration;
  const faults = faultsOfIdentity(registration);
  const demand = (isMet: boolean, fault: string) => isMet || faults.push(fault);
  demand(/^([^:]*|\[[0-9a-fA-F:.]+\]):\d{1,5}$/.test(address) && !/:0*$/.test(address), `the address "${address}"`);
  demand(instanceId.length > 0 && instanceId.length <= 128, `the instance id "${instanceId}"`);
  return faults;
}

/** Returns what is wrong with the name, the version and the APIs of a plugin. */
export function faultsOfIdentity({
  plugin,
  version,
  apis,
}: Pick<Registration, 'plugin' | 'version' | 'apis'>): string[] {
  const faults: string[] = [];
  const demand = (isMet: boolean, fault: string) => isMet || faults.push(fault);
  demand(name.test(plugin), `the name "${plugin}"`);
  demand(semanticVersion.test(version), `the version "${version}"`);
  demand(apis.length > 0, 'no API');
  for (const api of apis) {
    demand(name.test(api.name), `the API "${api.name}"`);
    demand(semanticVersion.test(api.version), `the version "${api.version}" of the API ${api.name}`);
    faults.push(...faultsOfProvided(api.provides));
  }
  return faults;
}

function faultsOfProvided(provides: Registration['apis'][number]['provides']): string[] {
  const names = provides.map(({ category, type }) => `${category}/${type}`.toLowerCase());
  return provides.flatMap(({ category, type, versions }, index) => [
    ...[category, type].filter((part) => !name.test(part)).map((part) => `the capability "${part}"`),
    ...(versions.length === 0 ? [`no version of ${category}/${type}`] : []),
    ...versions
      .filter((one) => !capabilityVersion.test(one))
      .map((one) => `the version "${one}" of ${category}/${type}`),
    ...(names.indexOf(names[index] ?? '') < index ? [`${category}/${type} twice`] : []),
  ]);
}

/** Returns the differences between GetInfo and the registration. */
export function contradictions(info: PluginUnderTest['info'], registration: Registration): string[] {
  const fields = ['plugin', 'version', 'instanceId'] as const;
  const differing = fields.flatMap((field) => {
    if (info[field] === registration[field]) return [];
    return [`${field} is "${info[field]}" in GetInfo and "${registration[field]}" in the registration`];
  });
  return isDeepStrictEqual(info.apis, registration.apis) ? differing : [...differing, 'the APIs differ'];
}
