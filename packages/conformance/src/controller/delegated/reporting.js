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
import { keyOf } from '@kplug/controller';
import { ConditionStatus, Outcome } from '@kplug/protocol';
import { NotMet, NotTried } from '../../requirement.js';
import { until } from '../../until.js';
import { statusOf } from './delegated-trial.js';
import { conditionsOf, demandRefused } from './read-status.js';

const encoder = new TextEncoder();
/** How long nothing may happen after a write of the controller's own, in milliseconds. */
const quietTime = 1_500;
/** Answers that must be refused, by the requirement on plugins that they break. */
const invalid = [
  ['p18', 'without an outcome', (refused) => ({ outcome: Outcome.UNSPECIFIED, baseStatus: refused })],
  [
    'p21',
    'whose status has a forbidden key',
    (refused, keys) => ({
      baseStatus: encoder.encode(`{"a":{"__proto__":{}},${new TextDecoder().decode(refused).slice(1)}`),
      extensionStatuses: Object.fromEntries(keys.map((key) => [key, refused])),
    }),
  ],
  [
    'p21-list',
    'whose status is no object',
    (refused, keys) => ({
      baseStatus: encoder.encode('[1]'),
      extensionStatuses: Object.fromEntries(keys.map((key) => [key, refused])),
    }),
  ],
  [
    'p22',
    'with a status of something that was not sent',
    (refused) => ({ baseStatus: refused, extensionStatuses: { 'example.org/v1/Other/default/other': refused } }),
  ],
  [
    'p23',
    "with one of the controller's conditions",
    (refused) => ({ baseStatus: refused, conditions: [condition('Ready')] }),
  ],
  [
    'p26',
    'with 65 conditions',
    (refused) => ({
      baseStatus: refused,
      conditions: Array.from({ length: 65 }, (_, index) => condition(`Conformance${index}`)),
    }),
  ],
];
/** What is required of what a controller makes of answers. */
export const reporting = [
  ...invalid.map(([mark, what, answer]) => ({
    number: 'C12',
    level: 'MUST',
    title: `refuses a response ${what} whole, and tells the user why`,
    check: async ({ delegated }) => {
      const env_1 = { stack: [], error: void 0, hasError: false };
      try {
        const plugin = await delegated.today('unary');
        // Extensions are the same for all, so each answer has a mark of its own.
        const refused = encoder.encode(JSON.stringify({ refused: `${mark}.` }));
        const handed = __addDisposableResource(
          env_1,
          await delegated.hand(plugin, `c12-${mark}`, ({ extensions }, index) =>
            index === 0 ? answer(refused, Object.keys(extensions)) : undefined,
          ),
          true,
        );
        await handed.call(0);
        return await demandRefused(handed, `${mark}.`);
      } catch (e_1) {
        env_1.error = e_1;
        env_1.hasError = true;
      } finally {
        const result_1 = __disposeResources(env_1);
        if (result_1) await result_1;
      }
    },
  })),
  {
    number: 'C36',
    level: 'MUST',
    title: 'refuses a response whole that wants a dependent of a kind that is not allowed',
    check: async ({ delegated }) => {
      const env_2 = { stack: [], error: void 0, hasError: false };
      try {
        const plugin = await delegated.today('unary');
        const refused = encoder.encode(JSON.stringify({ refused: 'c36.' }));
        const wanted = { apiVersion: 'conformance.example.org/v1', kind: 'NeverAllowed', metadata: { name: 'one' } };
        const dependents = { items: [encoder.encode(JSON.stringify(wanted))] };
        const handed = __addDisposableResource(
          env_2,
          await delegated.hand(plugin, 'c36', (_, index) =>
            index === 0 ? { baseStatus: refused, dependents } : undefined,
          ),
          true,
        );
        await handed.call(0);
        return await demandRefused(handed, 'c36.');
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
    number: 'C13',
    level: 'MUST',
    title: 'throws away a response for a generation that is no longer the present one',
    check: async ({ delegated }) => {
      const env_3 = { stack: [], error: void 0, hasError: false };
      try {
        const plugin = await delegated.today('unary');
        const changed = Promise.withResolvers();
        const handed = __addDisposableResource(
          env_3,
          await delegated.hand(plugin, 'c13', async (_, index) => {
            if (index > 0) return { baseStatus: encoder.encode('{"present":true}') };
            await changed.promise;
            return { baseStatus: encoder.encode('{"outdated":true}') };
          }),
          true,
        );
        const first = await handed.call(0);
        await handed.change();
        // The controller has to see it before the answer comes.
        await until(() => undefined, quietTime);
        changed.resolve();
        const second = await handed.call(1);
        if (second.base.metadata.generation === first.base.metadata.generation) {
          throw new NotTried('a change of its spec makes no new generation');
        }
        if ('outdated' in statusOf(second.base)) throw new NotMet('its status in the next call', 'none of it');
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
  { number: 'C14', level: 'MUST', title: 'writes a status of nothing but what it sent', check: checkBystander },
  {
    number: 'C15',
    level: 'MUST',
    title: 'writes no status that would change nothing, and is not led to calls by its own writes',
    check: async ({ delegated }) => {
      const env_4 = { stack: [], error: void 0, hasError: false };
      try {
        const plugin = await delegated.today('unary');
        const steady = { baseStatus: encoder.encode('{"steady":true}') };
        const handed = __addDisposableResource(
          env_4,
          await delegated.hand(plugin, 'c15', (_, index) =>
            index < 2 ? { ...steady, requeueAfter: durationFromMs(500) } : steady,
          ),
          true,
        );
        const second = await handed.call(1);
        const third = await handed.call(2);
        if (!('steady' in statusOf(second.base))) throw new NotMet('a call without the status before it', 'the status');
        const versions = [second, third].map(({ base }) => base.metadata.resourceVersion);
        if (versions[0] !== versions[1]) {
          throw new NotMet(`the resourceVersion ${versions.join(', then ')}`, 'the same, as nothing had changed');
        }
        await until(() => handed.calls()[3], quietTime);
        const count = handed.calls().length;
        if (count > 3) throw new NotMet(`${count} calls`, 'the three that were asked for');
        return undefined;
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
    number: 'C16',
    level: 'MUST',
    title: 'says which plugin was chosen and why, and for which generation',
    check: async ({ delegated }) => {
      const env_5 = { stack: [], error: void 0, hasError: false };
      try {
        const plugin = await delegated.today('unary');
        const handed = __addDisposableResource(
          env_5,
          await delegated.hand(plugin, 'c16', (_, index) =>
            index === 0 ? { requeueAfter: durationFromMs(500) } : undefined,
          ),
          true,
        );
        const { base } = await handed.call(1);
        const { implementation, plugin: named } = statusOf(base);
        if (!JSON.stringify([implementation, named]).includes('Conformance')) {
          throw new NotMet(
            `implementation ${implementation}, plugin ${JSON.stringify(named)}`,
            'Conformance, as chosen',
          );
        }
        const chosen = conditionsOf(base).find(({ type }) => type === 'PluginSelected');
        if (!chosen?.reason) throw new NotMet('no condition PluginSelected with a reason', 'why it was chosen');
        const { generation } = base.metadata;
        const observed = [chosen, ...conditionsOf(base)].map(({ observedGeneration }) => observedGeneration);
        if (!observed.includes(generation))
          throw new NotMet(`no observedGeneration ${generation}`, 'for which generation');
        return describe(chosen);
      } catch (e_5) {
        env_5.error = e_5;
        env_5.hasError = true;
      } finally {
        const result_5 = __disposeResources(env_5);
        if (result_5) await result_5;
      }
    },
  },
];
/** Something that isn't sent gets no status, whatever a plugin returns; seen by a base that points to it later. */
async function checkBystander({ delegated }) {
  const env_6 = { stack: [], error: void 0, hasError: false };
  try {
    const plugin = await delegated.today('unary');
    const bystander = await delegated.bystander('bystander');
    const [extension] = delegated.extensions;
    const touched = encoder.encode('{"touched":true}');
    const pointing = __addDisposableResource(
      env_6,
      await delegated.hand(plugin, 'c14', ({ base }, index) => {
        const key = keyOf({ ...bystander, metadata: { ...base.metadata, ...bystander.metadata } });
        return index === 0 ? { extensionStatuses: { [key]: touched } } : undefined;
      }),
      true,
    );
    await pointing.call(1);
    const point = (base) => ({
      ...base,
      spec: JSON.parse(JSON.stringify(base.spec ?? {}), (_, value) => {
        const isReference = value?.kind === extension?.kind && value?.name === extension?.metadata.name;
        return isReference ? { ...value, name: bystander.metadata.name } : value;
      }),
    });
    const later = __addDisposableResource(
      env_6,
      await delegated.hand(plugin, 'c14-later', () => undefined, point),
      true,
    );
    const sent = Object.values((await later.call(0)).extensions).find(
      ({ metadata }) => metadata.name === bystander.metadata.name,
    );
    if (!sent) throw new NotTried('the base does not point to its extensions by kind and name');
    if ('touched' in statusOf(sent)) throw new NotMet('a status of an extension that was not sent', 'none');
    return undefined;
  } catch (e_6) {
    env_6.error = e_6;
    env_6.hasError = true;
  } finally {
    const result_6 = __disposeResources(env_6);
    if (result_6) await result_6;
  }
}
function describe({ status, reason, message }) {
  return `${status} ${reason}: ${message}`;
}
function condition(type) {
  return { type, status: ConditionStatus.TRUE, reason: 'Conformance' };
}
//# sourceMappingURL=reporting.js.map
