var __addDisposableResource =
  (this && this.__addDisposableResource) ||
  ((env, value, async) => {
    if (value !== null && value !== void 0) {
      if (typeof value !== 'object' && typeof value !== 'function') throw new TypeError('Object expected.');
      var dispose, inner;
      if (async) {
        if (!Symbol.asyncDispose) throw new TypeError('Symbol.asyncDispose is not defined.');
        dispose = value[Symbol.asyncDispose];
      }
      if (dispose === void 0) {
        if (!Symbol.dispose) throw new TypeError('Symbol.dispose is not defined.');
        dispose = value[Symbol.dispose];
        if (async) inner = dispose;
      }
      if (typeof dispose !== 'function') throw new TypeError('Object not disposable.');
      if (inner)
        dispose = function () {
          try {
            inner.call(this);
          } catch (e) {
            return Promise.reject(e);
          }
        };
      env.stack.push({ value: value, dispose: dispose, async: async });
    } else if (async) {
      env.stack.push({ async: true });
    }
    return value;
  });
var __disposeResources =
  (this && this.__disposeResources) ||
  ((SuppressedError) => (env) => {
    function fail(e) {
      env.error = env.hasError ? new SuppressedError(e, env.error, 'An error was suppressed during disposal.') : e;
      env.hasError = true;
    }
    var r,
      s = 0;
    function next() {
      while ((r = env.stack.pop())) {
        try {
          if (!r.async && s === 1) return ((s = 0), env.stack.push(r), Promise.resolve().then(next));
          if (r.dispose) {
            var result = r.dispose.call(r.value);
            if (r.async)
              return (
                (s |= 2),
                Promise.resolve(result).then(next, (e) => {
                  fail(e);
                  return next();
                })
              );
          } else s |= 1;
        } catch (e) {
          fail(e);
        }
      }
      if (s === 1) return env.hasError ? Promise.reject(env.error) : Promise.resolve();
      if (env.hasError) throw env.error;
    }
    return next();
  })(
    typeof SuppressedError === 'function'
      ? SuppressedError
      : (error, suppressed, message) => {
          var e = new Error(message);
          return ((e.name = 'SuppressedError'), (e.error = error), (e.suppressed = suppressed), e);
        },
  );

import { durationFromMs } from '@bufbuild/protobuf/wkt';
import * as grpc from '@grpc/grpc-js';
import { InstanceState, isServiceError } from '@kplug/protocol';
import { describeAnswer } from '../plugin/describe-answer.js';
import { NotMet, NotTried } from '../requirement.js';
import { until } from '../until.js';
import { V0Plugin } from './delegated/v0-plugin.js';
import { termsOf } from './terms.js';

/** How long such a plugin is believed at the least, in milliseconds. */
const shortestTtl = 15_000;
/** What heartbeats must not be taken. */
const malformed = [
  ['without an address', { address: '' }],
  ['without a name', { name: '' }],
  ['without an API', { api: '' }],
  ['whose address has no port', { address: 'nowhere' }],
  ['whose name has a space', { name: 'First Kplug' }],
];
/** What is sent as a version, and what it is read as. */
const versions = [
  ['1.2.3', /^1\.2\.3$/],
  ['v1', /^1\.0\.0$/],
  ['1.2', /^1\.2\.0$/],
  ['v1alpha2', /^1\.0\.0-alpha\.2$/],
  ['nightly', /^0\.0\.0(\+.*)?$/],
  ['', /^0\.0\.0(\+.*)?$/],
];
/** What is required of the way a controller hears plugins of the first Kplug's protocol. */
export const v0Beating = [
  {
    number: 'C18',
    level: 'MUST',
    title: "takes plugins of the first Kplug's protocol only where that is allowed",
    check: async (controller) => {
      const { accepted, notAcceptedReason } = await heard(controller);
      if (!accepted) return `it takes none: ${notAcceptedReason}`;
      throw new NotTried("it takes them; whether its owner has allowed that can't be seen from a plugin's side");
    },
  },
  ...malformed.map(([what, fault]) => ({
    number: 'C19',
    level: 'MUST',
    title: `answers a heartbeat ${what} with the reason why it is not accepted`,
    check: async (controller) => {
      const env_1 = { stack: [], error: void 0, hasError: false };
      try {
        await heard(controller);
        const plugin = __addDisposableResource(env_1, await playing(controller), true);
        const answer = await plugin.beat(fault).catch((error) => error);
        if (isServiceError(answer)) throw new NotMet(describeAnswer(answer), 'accepted: false, not an error');
        if (answer.accepted) throw new NotMet('accepted: true', 'accepted: false');
        if (answer.notAcceptedReason) return answer.notAcceptedReason;
        throw new NotMet('accepted: false without a reason', 'the reason');
      } catch (e_1) {
        env_1.error = e_1;
        env_1.hasError = true;
      } finally {
        const result_1 = __disposeResources(env_1);
        if (result_1) await result_1;
      }
    },
  })),
  { number: 'C20', level: 'MUST', title: 'believes such a plugin for 15 s at least', check: checkTtl },
  {
    number: 'C21',
    level: 'MUST',
    title: 'reads whatever is sent as a version',
    check: async (controller) => {
      const env_2 = { stack: [], error: void 0, hasError: false };
      try {
        await demandTaken(controller);
        const plugin = __addDisposableResource(env_2, await playing(controller), true);
        for (const [sent, expected] of versions) {
          const { accepted, notAcceptedReason } = await plugin.beat({ version: sent, apiVersion: sent });
          if (!accepted) throw new NotMet(`"${sent}" is not accepted: ${notAcceptedReason}`, 'any version');
          const { registration } = (await known(controller, plugin)) ?? {};
          const read = [registration?.version, registration?.apis[0]?.version];
          const wrong = read.find((version) => !expected.test(version ?? ''));
          if (wrong !== undefined) throw new NotMet(`"${sent}" is read as ${wrong}`, `${expected.source}`);
        }
        return undefined;
      } catch (e_2) {
        env_2.error = e_2;
        env_2.hasError = true;
      } finally {
        const result_2 = __disposeResources(env_2);
        if (result_2) await result_2;
      }
    },
  },
];
/** Throws `NotTried` when the controller doesn't take plugins of the first Kplug's protocol. */
export async function demandTaken(controller) {
  const { accepted, notAcceptedReason } = await heard(controller);
  if (!accepted) throw new NotTried(`it takes no plugins of the first Kplug's protocol: ${notAcceptedReason}`);
}
/** What it answers to a heartbeat in which nothing is wrong. Throws `NotTried` when it doesn't serve such. */
async function heard(controller) {
  const env_3 = { stack: [], error: void 0, hasError: false };
  try {
    const plugin = __addDisposableResource(env_3, await playing(controller), true);
    const answer = await plugin.beat().catch((error) => error);
    if (isServiceError(answer) && answer.code === grpc.status.UNIMPLEMENTED) {
      throw new NotTried("it doesn't serve kplug.Controller, which is optional");
    }
    if (isServiceError(answer)) throw new NotMet(describeAnswer(answer), 'an answer, not an error');
    return answer;
  } catch (e_3) {
    env_3.error = e_3;
    env_3.hasError = true;
  } finally {
    const result_3 = __disposeResources(env_3);
    if (result_3) await result_3;
  }
}
function playing({ address }) {
  return V0Plugin.start(address, { name: 'KplugConformance', version: 'v1' });
}
async function checkTtl(controller) {
  const env_4 = { stack: [], error: void 0, hasError: false };
  try {
    await demandTaken(controller);
    const longest = { interval: durationFromMs(shortestTtl / 2), ttl: durationFromMs(shortestTtl) };
    const bound = termsOf(await controller.accepted(controller.registration(longest))).ttl;
    const expected = Math.min(shortestTtl, bound);
    const plugin = __addDisposableResource(env_4, await playing(controller), true);
    await plugin.beat();
    const from = performance.now();
    const isLive = async () => (await known(controller, plugin))?.state === InstanceState.LIVE;
    if (!(await isLive())) throw new NotMet('ListPlugins does not say that it is live', 'LIVE');
    // What it takes to ask.
    const ended = await until(async () => !(await isLive()) || undefined, expected - 300);
    const believed = Math.round(performance.now() - from);
    if (ended) throw new NotMet(`believed for ${believed} ms`, `${expected} ms at the least`);
    return `${believed} ms and more${bound < shortestTtl ? `; its bounds are ${bound} ms` : ''}`;
  } catch (e_4) {
    env_4.error = e_4;
    env_4.hasError = true;
  } finally {
    const result_4 = __disposeResources(env_4);
    if (result_4) await result_4;
  }
}
/** The plugin as the controller knows it. */
async function known(controller, plugin) {
  const { instances } = await controller.client.listPlugins({ plugin: plugin.information.name ?? '' });
  return instances.find(({ registration }) => registration?.address.endsWith(`:${plugin.port}`));
}
//# sourceMappingURL=v0-beating.js.map
