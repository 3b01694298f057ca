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

import { isDeepStrictEqual } from 'node:util';
import * as grpc from '@grpc/grpc-js';
import { serviceError } from '@kplug/protocol';
import { parseDocument } from 'yaml';
import { NotMet } from '../../requirement.js';
import { until } from '../../until.js';
import { demandTaken } from '../v0-beating.js';
import { statusOf } from './delegated-trial.js';
import { demandRefused } from './read-status.js';
import { isUndoing } from './scripted-plugin.js';

/** What readers of YAML 1.1 and 1.2 take for different things where it stands without quotes. */
const ambiguous = Object.fromEntries(
  ['no', 'on', '~', '012', '0o12', '1:30', '1_000', '2001-01-01', '.5', '1e3', '=', '<<', 'a: b', '# c', ''].map(
    (text, index) => [`conformance.kplug.dev/${index}`, text],
  ),
);
/** More YAML than a controller should parse, in characters. */
const tooMuch = 3 * 1024 * 1024;
/** How long is waited at the least for a call that must not come, in milliseconds. */
const quietTime = 3_000;
/** Answers that must be refused, and how binding that is. */
const invalid = [
  [
    'MUST',
    'key',
    'for a key that was not sent',
    (refused) => ({ base: refused, references: { 'example.org/v1/Other/default/other': '{}' } }),
  ],
  ['MUST', 'list', 'that is no mapping', (refused, keys) => ({ base: '- 1', references: withAll(keys, refused) })],
  ['MUST', 'yaml', 'that is no YAML', (refused, keys) => ({ base: 'a: [', references: withAll(keys, refused) })],
  ['SHOULD', 'large', 'of 3 MiB', (refused) => ({ base: `${refused}\na: "${'x'.repeat(tooMuch)}"` })],
];
/** What is required of the calls of plugins of the first Kplug's protocol, and of what becomes of their answers. */
export const v0Calling = [
  {
    number: 'C22',
    level: 'MUST',
    title: 'calls create until it has succeeded, update from then on, and delete to finalize',
    check: async (controller) => {
      const env_1 = { stack: [], error: void 0, hasError: false };
      try {
        const handed = __addDisposableResource(
          env_1,
          await hand(controller, 'c22', (_, index) => {
            if (index === 0) throw serviceError(grpc.status.ABORTED, 'not yet, on purpose');
            return {};
          }),
          true,
        );
        await handed.call(1, 'create again after it failed');
        await settled(handed, 2);
        await handed.change();
        await handed.call(2, 'update after a change');
        await settled(handed, 3);
        await handed.change();
        await handed.call(3, 'update after a change');
        await handed.undone(0);
        const methods = handed.calls().map(({ method }) => method);
        // The answer of a create is lost where the resource was changed meanwhile.
        if (/^create( create)+( update)+( delete)+$/.test(methods.join(' '))) return methods.join(', ');
        throw new NotMet(methods.join(', '), 'create, create, update, update, delete');
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
    number: 'C23',
    level: 'MUST',
    title: 'sends each resource whole, as YAML that readers of 1.1 and 1.2 understand alike',
    check: async (controller) => {
      const env_2 = { stack: [], error: void 0, hasError: false };
      try {
        const plugin = await playing(controller);
        const { delegated } = controller;
        const handed = __addDisposableResource(
          env_2,
          await delegated.hand(
            plugin,
            'c23',
            () => ({}),
            (base) => ({
              ...base,
              metadata: { ...base.metadata, annotations: { ...base.metadata.annotations, ...ambiguous } },
            }),
          ),
          true,
        );
        const { base, texts, extensions } = await handed.call(0);
        for (const text of texts) demandUnambiguous(text);
        const { annotations = {}, uid } = base.metadata;
        const lost = Object.entries(ambiguous).filter(([key, text]) => annotations[key] !== text);
        if (lost.length > 0) throw new NotMet(`annotations other than ${lost.map(([, text]) => `"${text}"`)}`, 'all');
        if (!base.apiVersion || !base.kind || !uid) throw new NotMet('a base without kind or uid', 'the whole base');
        const misnamed = Object.entries(extensions).filter(([key, { apiVersion, kind, metadata }]) => {
          const group = apiVersion.includes('/') ? apiVersion : `/${apiVersion}`;
          return key !== `${group}/${kind}/${metadata.namespace ?? ''}/${metadata.name}`;
        });
        if (misnamed.length > 0) throw new NotMet(`${misnamed[0]?.[0]}`, 'group/version/kind/namespace/name');
        if (Object.keys(extensions).length < delegated.extensions.length) throw new NotMet('too few references', 'all');
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
    number: 'C24',
    level: 'MUST',
    title: 'merges what is returned, and leaves a status alone for which nothing is',
    check: async (controller) => {
      const env_3 = { stack: [], error: void 0, hasError: false };
      try {
        const returned = ['kept: { a: 1 }\ngone: 1\n', 'kept: { b: 2 }\ngone: null\n', '', '{}', '{}'];
        const handed = __addDisposableResource(
          env_3,
          await hand(controller, 'c24', (_, index) => ({ base: returned[index] ?? '{}' })),
          true,
        );
        for (const index of returned.keys()) {
          const { base } = await handed.call(index);
          const { kept, gone } = statusOf(base);
          const expected = [undefined, { a: 1 }, { a: 1, b: 2 }][Math.min(index, 2)];
          if (!isDeepStrictEqual(kept, expected)) {
            throw new NotMet(`${JSON.stringify(kept)} after ${index} answers`, JSON.stringify(expected));
          }
          if (gone !== (index === 1 ? 1 : undefined)) throw new NotMet(`${JSON.stringify(gone)}`, 'null to remove it');
          await settled(handed, index + 1);
          await handed.change();
        }
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
  ...invalid.map(([level, mark, what, returned]) => ({
    number: 'C25',
    level,
    title: `refuses an answer ${what} whole`,
    check: async (controller) => {
      const env_4 = { stack: [], error: void 0, hasError: false };
      try {
        const handed = __addDisposableResource(
          env_4,
          await hand(controller, `c25-${mark}`, ({ extensions }, index) =>
            index === 0 ? returned(`refused: ${mark}.`, Object.keys(extensions)) : {},
          ),
          true,
        );
        await handed.call(0);
        return await demandRefused(handed, `${mark}.`);
      } catch (e_4) {
        env_4.error = e_4;
        env_4.hasError = true;
      } finally {
        const result_4 = __disposeResources(env_4);
        if (result_4) await result_4;
      }
    },
  })),
  {
    number: 'C26',
    level: 'MUST',
    title: 'tries a delete again that failed, and takes one as done that lacks only its answer',
    check: async (controller) => {
      const env_5 = { stack: [], error: void 0, hasError: false };
      try {
        const locked = serviceError(grpc.status.INTERNAL, 'the table is locked, on purpose');
        const failing = __addDisposableResource(
          env_5,
          await hand(controller, 'c26', ({ method }, index) => {
            if (isUndoing(method) && index === 0) throw locked;
            return {};
          }),
          true,
        );
        await failing.call(0);
        await settled(failing, 1);
        const [first, second] = [await failing.undone(0), await failing.undone(1)];
        if (!first) throw new NotMet('no delete', 'one');
        if (!second) throw new NotMet('no delete after one that failed with INTERNAL', 'another one');
        const unanswered = __addDisposableResource(
          env_5,
          await hand(controller, 'c26-unanswered', ({ method }) => {
            if (isUndoing(method)) throw serviceError(grpc.status.INTERNAL, 'Failed to serialize response!');
            return {};
          }),
          true,
        );
        await unanswered.call(0);
        await settled(unanswered, 1);
        if (!(await unanswered.undone(0))) throw new NotMet('no delete', 'one');
        const deleted = () => unanswered.calls().filter(({ method }) => isUndoing(method));
        await until(() => deleted()[1], Math.max(quietTime, 3 * (second.at - first.at)));
        if (deleted().length > 1) throw new NotMet('another delete after it', 'none: it is done');
        return 'whether a Warning Event says so is to be seen where its Events are';
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
    number: 'C27',
    level: 'MUST',
    title: 'asks such a plugin for nothing but create, update, delete and its health',
    check: async (controller) => {
      const env_6 = { stack: [], error: void 0, hasError: false };
      try {
        const plugin = await playing(controller);
        const handed = __addDisposableResource(env_6, await hand(controller, 'c27', () => ({})), true);
        await handed.call(0);
        if (plugin.others.length > 0) throw new NotMet(plugin.others.join(', '), 'nothing else');
        return `in ${plugin.calls.length} calls`;
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
async function playing(controller) {
  // What isn't delegated is the reason that can be mended.
  const { delegated } = controller;
  await demandTaken(controller);
  return delegated.v0();
}
async function hand(controller, mark, script) {
  return controller.delegated.hand(await playing(controller), mark, script);
}
/** Waits until so many calls have been answered, and what was returned has been written. */
async function settled(handed, count) {
  await until(() => handed.calls().filter(({ endedAt }) => endedAt !== undefined).length >= count || undefined, 5_000);
  await until(() => undefined, 500);
}
function demandUnambiguous(text) {
  const [old, today] = ['1.1', '1.2'].map((version) => {
    const document = parseDocument(text, { version, logLevel: 'silent' });
    const [fault] = document.errors;
    if (fault) throw new NotMet(`YAML ${version} in which ${fault.message}`, 'one document of YAML');
    return document.toJS();
  });
  if (!isDeepStrictEqual(old, today)) throw new NotMet('YAML that 1.1 reads otherwise than 1.2', 'the same in both');
}
function withAll(keys, yaml) {
  return Object.fromEntries(keys.map((key) => [key, yaml]));
}
//# sourceMappingURL=v0-calling.js.map
