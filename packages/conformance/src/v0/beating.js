import { randomUUID } from 'node:crypto';
import * as grpc from '@grpc/grpc-js';
import { isServiceError } from '@kplug/protocol';
import { describeAnswer } from '../plugin/describe-answer.js';
import { named } from '../plugin/sample.js';
import { NotMet, NotTried } from '../requirement.js';
import { until } from '../until.js';

/** How often such a plugin should beat, in milliseconds, and what a busy machine and a slow answer take of that. */
const interval = 5_000;
const longest = 1.5 * interval;
/** Errors that say that no `kplug.Plugin` is there. */
const nobodyThere = [grpc.status.UNAVAILABLE, grpc.status.UNIMPLEMENTED];
/** What is required of the way a plugin makes itself known. Tried first. */
export const beating = [
  {
    number: 'F1',
    level: 'MUST',
    title: 'calls pluginHeartbeat with an address, a name and an API',
    check: async ({ life }) => {
      const [first] = life.registry.v0Beats;
      if (!first) throw new NotMet('no heartbeat', 'one');
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
    title: 'is reached at the address that it sends',
    check: async (plugin) => {
      const { base } = plugin.sample;
      const unseen = plugin.request(named(base, `${base.metadata.name}-nobody`));
      const answer = await plugin.delete(unseen).catch((error) => error);
      // Any other answer, a failure too, is one of a `kplug.Plugin`.
      if (!isServiceError(answer) || !nobodyThere.includes(answer.code)) return plugin.address;
      plugin.unreached = "it isn't reached at the address that it sends; see F2";
      throw new NotMet(`${plugin.address} answers with ${describeAnswer(answer)}`, 'kplug.Plugin');
    },
  },
];
/** What takes a while to see, or ends the plugin. Tried last. */
export const lasting = [
  {
    number: 'F1',
    level: 'SHOULD',
    title: 'beats every five seconds',
    check: async ({ life }) => {
      const { v0Beats: beats } = life.registry;
      // Each API has heartbeats of its own.
      const times = () => beats.filter((beat) => isOf(beat, beats[0])).map(({ at }) => at);
      const [from = performance.now()] = times();
      const isEnough = () => times().length >= 3;
      await until(() => isEnough() || undefined, Math.max(0, from + 2 * longest - performance.now()));
      const all = isEnough() ? times() : [...times(), performance.now()];
      const gap = Math.round(Math.max(...all.slice(1).map((at, index) => at - (all[index] ?? at))));
      if (gap > longest) throw new NotMet(`${gap} ms without one`, `a heartbeat every ${interval} ms`);
      return `${gap} ms apart at the most`;
    },
  },
  {
    number: 'F1',
    level: 'SHOULD',
    title: 'logs why a heartbeat is not accepted, and goes on',
    check: async ({ life }) => {
      const why = `conformance-refusal-${randomUUID()}`;
      life.registry.behave({ refusing: why });
      const from = performance.now();
      const isLogged = () => life.process.output.includes(why);
      const later = () => life.registry.v0Beats.filter(({ at }) => at >= from).slice(1);
      await until(() => (later().length > 0 && isLogged()) || undefined, 2 * longest);
      life.registry.behave('accepting');
      if (later().length === 0) throw new NotMet('no heartbeat after one that was not accepted', 'more of them');
      if (!isLogged()) throw new NotMet('no such line on its output', 'the reason why it was not accepted');
      return undefined;
    },
  },
  {
    number: 'F2',
    level: 'MUST',
    title: 'is itself what answers at its address',
    check: async (plugin) => {
      const { life } = plugin;
      if (plugin.unreached !== undefined) throw new NotTried(plugin.unreached);
      await life.process[Symbol.asyncDispose]();
      const { base } = plugin.sample;
      const unseen = plugin.request(named(base, `${base.metadata.name}-nobody`));
      const answer = await plugin.delete(unseen).catch((error) => error);
      if (isServiceError(answer) && answer.code === grpc.status.UNAVAILABLE) return undefined;
      throw new NotMet(`something answers at ${plugin.address} after its process has ended`, 'nobody');
    },
  },
];
function isOf({ information }, other) {
  return information.name === other?.information.name && information.api === other.information.api;
}
//# sourceMappingURL=beating.js.map
