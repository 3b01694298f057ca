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

import { keyOf } from '@kplug/controller';
import { NotMet, NotTried } from '../../requirement.js';
import { until } from '../../until.js';

/** How long an instance is watched that must not be called, in milliseconds. */
const watchTime = 1_000;
/** How far the deadlines of a request may be apart, in milliseconds: what it takes to write, send and read it. */
const deadlineSlack = 1_000;
/** The longest deadline that is waited for, in milliseconds. */
const longestDeadline = 15_000;
/** A request larger than that is to be made by Reconcile. */
const largeRequest = 300 * 1024;
/** What is required of the calls of a controller for resources that are delegated. */
export const calling = [
  {
    number: 'C8',
    level: 'MUST',
    title: 'calls no instance that answers GetInfo as another one',
    check: async ({ delegated }) => {
      const env_1 = { stack: [], error: void 0, hasError: false };
      try {
        const plugin = await delegated.today('another', { isAnother: true });
        const handed = __addDisposableResource(
          env_1,
          await delegated.hand(plugin, 'c8-another', () => undefined),
          true,
        );
        const isLooked = () => plugin.asked.length > 0 || handed.calls().length > 0 || undefined;
        if (!(await until(isLooked, 10_000))) throw new NotTried('it neither asked the instance nor called it');
        await until(() => handed.calls()[0], watchTime);
        if (handed.calls().length > 0) throw new NotMet('a call', 'none, as GetInfo named another instance');
        return undefined;
      } catch (e_1) {
        env_1.error = e_1;
        env_1.hasError = true;
      } finally {
        const result_1 = __disposeResources(env_1);
        if (result_1) await result_1;
      }
    },
  },
  {
    number: 'C8',
    level: 'MUST',
    title: 'makes sure by GetInfo who answers before the first call',
    check: async ({ delegated }) => {
      const env_2 = { stack: [], error: void 0, hasError: false };
      try {
        const plugin = await delegated.today('unary');
        const handed = __addDisposableResource(env_2, await delegated.hand(plugin, 'c8', () => undefined), true);
        await handed.call(0);
        const [first] = plugin.calls;
        const [asked = Number.POSITIVE_INFINITY] = plugin.asked;
        if (asked > (first?.at ?? 0)) throw new NotMet('a call without GetInfo before it', 'GetInfo first');
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
  {
    number: 'C33',
    level: 'MUST',
    title: 'calls no API that the plugin says it is not serving',
    check: async ({ delegated }) => {
      const env_3 = { stack: [], error: void 0, hasError: false };
      try {
        const plugin = await delegated.today('unserved', { isUnserved: true });
        const handed = __addDisposableResource(env_3, await delegated.hand(plugin, 'c33', () => undefined), true);
        const isLooked = () => plugin.isHealthKnown || handed.calls().length > 0 || undefined;
        if (!(await until(isLooked, 10_000)))
          throw new NotTried('it neither asked for the health of the API nor called it');
        await until(() => handed.calls()[0], watchTime);
        if (handed.calls().length > 0) throw new NotMet('a call', 'none, as the API was said not to be served');
        plugin.serveApi();
        const isCalled = await until(() => handed.calls()[0], 20_000);
        if (!isCalled) throw new NotMet('no call in 20 s', 'a call once the API was said to be served');
        return undefined;
      } catch (e_3) {
        env_3.error = e_3;
        env_3.hasError = true;
      } finally {
        const result_3 = __disposeResources(env_3);
        if (result_3) await result_3;
      }
    },
  },
  {
    number: 'C9',
    level: 'MUST',
    title: 'makes one call for a resource at a time',
    check: async ({ delegated }) => {
      const env_4 = { stack: [], error: void 0, hasError: false };
      try {
        const plugin = await delegated.today('unary');
        const handed = __addDisposableResource(
          env_4,
          await delegated.hand(plugin, 'c9', async (_, index) => {
            if (index === 0) await until(() => undefined, 1_500);
            return undefined;
          }),
          true,
        );
        await handed.call(0);
        for (let change = 0; change < 3; change++) {
          await handed.change();
          await until(() => undefined, 200);
        }
        await handed.call(1);
        const overlapping = plugin.calls.find((call, index) =>
          plugin.calls
            .slice(0, index)
            .some((earlier) => isSame(call, earlier) && call.at < (earlier.endedAt ?? Infinity)),
        );
        if (!overlapping) return `in ${plugin.calls.length} calls`;
        const { kind, metadata } = overlapping.base;
        throw new NotMet(`a call for ${kind} ${metadata.name} while another one was under way`, 'one after the other');
      } catch (e_4) {
        env_4.error = e_4;
        env_4.hasError = true;
      } finally {
        const result_4 = __disposeResources(env_4);
        if (result_4) await result_4;
      }
    },
  },
  {
    number: 'C10',
    level: 'MUST',
    title: 'sends the deadline in the request and as that of the call',
    check: async ({ delegated }) => {
      const env_5 = { stack: [], error: void 0, hasError: false };
      try {
        const plugin = await delegated.today('unary');
        const handed = __addDisposableResource(env_5, await delegated.hand(plugin, 'c10', () => undefined), true);
        const { left, way } = await handed.call(0);
        const { said, grpc } = left ?? { said: Number.NaN, grpc: Number.NaN };
        if (!(said > 0)) throw new NotMet('no deadline in the request', 'context.deadline, in the future');
        if (way === 'work') return `${Math.round(said)} ms in the request, which came by Work`;
        if (!Number.isFinite(grpc)) throw new NotMet('no deadline of the call', 'that of the request');
        const seen = `${Math.round(said)} ms in the request, ${Math.round(grpc)} ms of the call`;
        if (Math.abs(said - grpc) > deadlineSlack) throw new NotMet(seen, 'the same');
        return seen;
      } catch (e_5) {
        env_5.error = e_5;
        env_5.hasError = true;
      } finally {
        const result_5 = __disposeResources(env_5);
        if (result_5) await result_5;
      }
    },
  },
  {
    number: 'C11',
    level: 'MUST',
    title: 'sends all extensions that exist',
    check: async ({ delegated }) => {
      const env_6 = { stack: [], error: void 0, hasError: false };
      try {
        if (delegated.extensions.length === 0) throw new NotTried('no extension was given, with --resource');
        const plugin = await delegated.today('unary');
        const handed = __addDisposableResource(env_6, await delegated.hand(plugin, 'c11', () => undefined), true);
        const { base, extensions } = await handed.call(0);
        const expected = delegated.extensions.map((one) => {
          const { metadata } = one;
          return keyOf({ ...one, metadata: { ...base.metadata, ...metadata } });
        });
        const sent = Object.keys(extensions);
        const missing = expected.filter((key) => !sent.includes(key));
        if (missing.length > 0) throw new NotMet(`${sent.join(', ') || 'none'}, not ${missing.join(', ')}`, 'all');
        return sent.join(', ');
      } catch (e_6) {
        env_6.error = e_6;
        env_6.hasError = true;
      } finally {
        const result_6 = __disposeResources(env_6);
        if (result_6) await result_6;
      }
    },
  },
];
/** What is required of the use of Work, by which the plugin's calls come from then on. */
export const working = [
  {
    number: 'C17',
    level: 'MUST',
    title: 'uses Work only where it is served',
    check: async ({ delegated }) => {
      const env_7 = { stack: [], error: void 0, hasError: false };
      try {
        const plugin = await delegated.today('unary');
        const handed = __addDisposableResource(env_7, await delegated.hand(plugin, 'c17', () => undefined), true);
        await handed.call(0);
        const count = plugin.calls.filter(({ way }) => way === 'work').length;
        if (count > 0) throw new NotMet(`${count} calls by Work`, 'none, as GetInfo does not say that it is served');
        return `in ${plugin.calls.length} calls`;
      } catch (e_7) {
        env_7.error = e_7;
        env_7.hasError = true;
      } finally {
        const result_7 = __disposeResources(env_7);
        if (result_7) await result_7;
      }
    },
  },
  {
    number: 'C17',
    level: 'SHOULD',
    title: 'calls by Reconcile what was under way on a stream of Work that ended',
    check: async (controller) => {
      const env_8 = { stack: [], error: void 0, hasError: false };
      try {
        const { delegated } = controller;
        const plugin = await demandWork(controller);
        plugin.breaking.add(delegated.nameOf('c17-ended'));
        const handed = __addDisposableResource(env_8, await delegated.hand(plugin, 'c17-ended', () => undefined), true);
        await handed.call(0);
        const { way } = await handed.call(1, 'the same call by Reconcile');
        if (way === 'work') throw new NotMet('the call on another stream', 'the call by Reconcile');
        return undefined;
      } catch (e_8) {
        env_8.error = e_8;
        env_8.hasError = true;
      } finally {
        const result_8 = __disposeResources(env_8);
        if (result_8) await result_8;
      }
    },
  },
  {
    number: 'C17',
    level: 'SHOULD',
    title: 'makes large requests by Reconcile',
    check: async (controller) => {
      const env_9 = { stack: [], error: void 0, hasError: false };
      try {
        const { delegated } = controller;
        const plugin = await demandWork(controller);
        const padding = 'x'.repeat(largeRequest);
        const pad = (base) => ({
          ...base,
          spec: { ...base.spec, conformance: padding },
        });
        const handed = __addDisposableResource(
          env_9,
          await delegated.hand(plugin, 'c17-large', () => undefined, pad),
          true,
        );
        const { way, base } = await handed.call(0);
        if (!JSON.stringify(base).includes(padding)) throw new NotTried('its schema takes no such field of its spec');
        if (way === 'work') throw new NotMet('it on a stream of Work', 'a request of more than 256 KiB by Reconcile');
        return undefined;
      } catch (e_9) {
        env_9.error = e_9;
        env_9.hasError = true;
      } finally {
        const result_9 = __disposeResources(env_9);
        if (result_9) await result_9;
      }
    },
  },
  {
    number: 'C10',
    level: 'MUST',
    title: 'cancels a call on a stream of Work when its deadline has passed',
    check: async (controller) => {
      const env_10 = { stack: [], error: void 0, hasError: false };
      try {
        const { delegated } = controller;
        const plugin = await demandWork(controller);
        const before = plugin.cancelled;
        const isCancelled = () => plugin.cancelled > before || undefined;
        const handed = __addDisposableResource(
          env_10,
          await delegated.hand(plugin, 'c10-work', async ({ left }, index) => {
            if (index === 0 && (left?.said ?? 0) <= longestDeadline) await until(isCancelled, longestDeadline + 5_000);
            return undefined;
          }),
          true,
        );
        const { left, way } = await handed.call(0);
        if (way !== 'work') throw new NotTried('it made the call by Reconcile');
        const said = Math.round(left?.said ?? 0);
        if (said > longestDeadline) throw new NotTried(`its deadline is in ${said} ms; more than is waited for`);
        if (await until(isCancelled, said + 5_000)) return `after ${said} ms`;
        throw new NotMet(`no cancellation in ${said + 5_000} ms`, `one when ${said} ms had passed`);
      } catch (e_10) {
        env_10.error = e_10;
        env_10.hasError = true;
      } finally {
        const result_10 = __disposeResources(env_10);
        if (result_10) await result_10;
      }
    },
  },
];
function isSame(a, b) {
  return a.base.metadata.uid === b.base.metadata.uid;
}
/** The plugin that serves Work. Throws `NotTried` when the controller doesn't call it by that. */
async function demandWork({ delegated }) {
  const env_11 = { stack: [], error: void 0, hasError: false };
  try {
    const plugin = await delegated.today('work', { servesWork: true });
    if (plugin.calls.some(({ way }) => way === 'work')) return plugin;
    const handed = __addDisposableResource(env_11, await delegated.hand(plugin, 'c17-work', () => undefined), true);
    const { way } = await handed.call(0);
    if (way === 'work') return plugin;
    throw new NotTried("it doesn't use Work, which is optional");
  } catch (e_11) {
    env_11.error = e_11;
    env_11.hasError = true;
  } finally {
    const result_11 = __disposeResources(env_11);
    if (result_11) await result_11;
  }
}
//# sourceMappingURL=calling.js.map
