import { randomUUID } from 'node:crypto';
import * as grpc from '@grpc/grpc-js';
import { isServiceError } from '@kplug/protocol';
import { eventually } from '../eventually.ts';
import { describeAnswer } from '../plugin/describe-answer.ts';
import type { V0Heartbeat } from '../plugin/registry-probe.ts';
import { named } from '../plugin/sample.ts';
import { NotMet, NotTried, type Requirement } from '../requirement.ts';
import type { V0UnderTest } from './v0-under-test.ts';

/** Largest gap between heartbeats, in intervals. The tolerance covers a busy machine and a slow answer. */
const maxGapFactor = 1.5;

/** Errors of an address without a `kplug.Plugin`. */
const notServed: readonly number[] = [grpc.status.UNAVAILABLE, grpc.status.UNIMPLEMENTED];

/** Requirements on the first heartbeat. Checked first. */
export const heartbeatRequirements: readonly Requirement<V0UnderTest>[] = [
  {
    number: 'F1',
    level: 'MUST',
    title: 'calls pluginHeartbeat with an address, a name and an API',
    check: async ({ run }) => {
      const [first] = run.registry.v0Heartbeats;
      if (!first) throw new NotMet('no heartbeat', 'a heartbeat');
      const { address, name, version, api, apiVersion } = first.information;
      const faults = [
        ...(/^([^:]+|\[[0-9a-fA-F:.]+\]):\d{1,5}$/.test(address) ? [] : [`the address "${address}"`]),
        ...(name ? [] : ['no name']),
        ...(api ? [] : ['no API']),
      ];
      if (faults.length > 0) throw new NotMet(faults.join(', '), 'a host and port, a name and an API');
      return `${name} ${version || 'without a version'} for ${api} ${apiVersion || 'without a version'}`;
    },
  },
  {
    number: 'F2',
    level: 'MUST',
    title: 'is reachable at the address that it sends',
    check: async (plugin) => {
      const { base } = plugin.sample;
      const request = plugin.request(named(base, `${base.metadata.name}-unknown`));
      const answer = await plugin.delete(request).catch((error: unknown) => error);
      // Any other answer, including a failure, comes from a `kplug.Plugin`.
      if (!isServiceError(answer) || !notServed.includes(answer.code)) return plugin.address;
      plugin.unreached = 'it is unreachable at the address that it sends; see F2';
      throw new NotMet(`${plugin.address} answers ${describeAnswer(answer)}`, 'kplug.Plugin');
    },
  },
];

/** Requirements whose checks take long or end the plugin. Checked last. */
export const terminalRequirements: readonly Requirement<V0UnderTest>[] = [
  {
    number: 'F1',
    level: 'SHOULD',
    title: 'sends a heartbeat every five seconds',
    check: async ({ run }) => {
      const { v0Heartbeats: heartbeats } = run.registry;
      const interval = run.times.v0Interval;
      const maxGap = maxGapFactor * interval;
      // A plugin sends separate heartbeats for each API.
      const times = () => heartbeats.filter((one) => isSameApi(one, heartbeats[0])).map(({ at }) => at);
      const [from = performance.now()] = times();
      const isEnough = () => times().length >= 3;
      await eventually(isEnough, Math.max(0, from + 2 * maxGap - performance.now()));
      const all = isEnough() ? times() : [...times(), performance.now()];
      const gap = Math.round(Math.max(...all.slice(1).map((at, index) => at - (all[index] ?? at))));
      if (gap > maxGap) throw new NotMet(`${gap} ms without a heartbeat`, `a heartbeat every ${interval} ms`);
      return `at most ${gap} ms apart`;
    },
  },
  {
    number: 'F1',
    level: 'SHOULD',
    title: 'logs why a heartbeat is not accepted, and keeps sending heartbeats',
    check: async ({ run }) => {
      const reason = `conformance-refusal-${randomUUID()}`;
      run.registry.behave({ refusing: reason });
      const from = performance.now();
      const isLogged = () => run.process.output.includes(reason);
      const later = () => run.registry.v0Heartbeats.filter(({ at }) => at >= from).slice(1);
      await eventually(() => later().length > 0 && isLogged(), 2 * maxGapFactor * run.times.v0Interval);
      run.registry.behave('accepting');
      if (later().length === 0) throw new NotMet('no heartbeat after one that was not accepted', 'further heartbeats');
      if (!isLogged()) throw new NotMet('no reason in its output', 'the reason why the heartbeat was not accepted');
      return undefined;
    },
  },
  {
    number: 'F2',
    level: 'MUST',
    title: 'is the process that answers at its address',
    check: async (plugin) => {
      const { run } = plugin;
      if (plugin.unreached !== undefined) throw new NotTried(plugin.unreached);
      await run.process[Symbol.asyncDispose]();
      const { base } = plugin.sample;
      const request = plugin.request(named(base, `${base.metadata.name}-unknown`));
      const answer = await plugin.delete(request).catch((error: unknown) => error);
      if (isServiceError(answer) && answer.code === grpc.status.UNAVAILABLE) return undefined;
      throw new NotMet(`${plugin.address} still answers after the process ended`, 'no answer');
    },
  },
];

function isSameApi({ information }: V0Heartbeat, other: V0Heartbeat | undefined): boolean {
  return information.name === other?.information.name && information.api === other.information.api;
}
