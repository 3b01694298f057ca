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

import { create } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import { GetInfoResponseSchema, isServiceError, quietGrpc } from '@kplug/protocol';
import { CommandError } from '../../../cli/src/command-error.js';
import { NotMet, NotTried } from '../requirement.js';
import { runRequirements, selectRequirements } from '../run-requirements.js';
import { conformV0 } from '../v0/conform-v0.js';
import { v0Requirements } from '../v0/requirements.js';
import { describeAnswer } from './describe-answer.js';
import { getInfo } from './get-info.js';
import { addressOf, Life } from './life.js';
import { PluginUnderTest } from './plugin-under-test.js';
import { pluginRequirements } from './requirements.js';
import { sampleOf } from './sample.js';
/** Tries a plugin that runs already. Rejects with a `CommandError` when none answers. */
export async function conformAddress(address, options) {
  quietGrpc();
  if (options.protocol === 'kplug') return conformV0(address, options, undefined);
  const info = await getInfo(address).catch((cause) => {
    const isOther = isServiceError(cause) && cause.code === grpc.status.UNIMPLEMENTED;
    const advice = isOther
      ? "if it is a plugin of the first Kplug's protocol, say --protocol kplug"
      : 'start it, or name another address';
    const message = `no plugin answers at ${address}: ${describeAnswer(cause)}; ${advice}`;
    throw new CommandError('unreachable', message, { cause });
  });
  return tryPlugin(address, info, options, undefined);
}
/** Starts a command as a plugin, and tries it. Rejects with a `CommandError` when there is no such program. */
export async function conformCommand(command, options) {
  const env_1 = { stack: [], error: void 0, hasError: false };
  try {
    const { interval, protocol } = options;
    const life = __addDisposableResource(env_1, await Life.start({ command, interval, protocol }), true);
    const spoken = await life.protocol();
    if (spoken === 'kplug') {
      const address = life.registry.v0Beats[0]?.information.address ?? '';
      return await conformV0(address, options, life);
    }
    const heard = spoken && (await life.registration());
    if (!heard?.registration) return await unregistered(command, life, options);
    const { plugin, version, apis, instanceId } = heard.registration;
    // One that doesn't answer fails what is about that; the rest is tried with what it registered.
    const info = await getInfo(addressOf(heard)).catch(() => undefined);
    const said = info ?? create(GetInfoResponseSchema, { plugin, version, apis, instanceId });
    return await tryPlugin(addressOf(heard), said, options, life, info !== undefined);
  } catch (e_1) {
    env_1.error = e_1;
    env_1.hasError = true;
  } finally {
    const result_1 = __disposeResources(env_1);
    if (result_1) await result_1;
  }
}
async function tryPlugin(address, info, { manifests, kind, timeout, only }, life, isReached = true) {
  const env_2 = { stack: [], error: void 0, hasError: false };
  try {
    const sample = sampleOf(manifests, info, kind);
    const plugin = __addDisposableResource(
      env_2,
      new PluginUnderTest({ address, info, sample, timeout, life, isReached }),
      false,
    );
    const verdicts = await runRequirements(selectRequirements(pluginRequirements, only), plugin);
    return { subject: `${info.plugin} ${info.version} at ${address}`, verdicts };
  } catch (e_2) {
    env_2.error = e_2;
    env_2.hasError = true;
  } finally {
    __disposeResources(env_2);
  }
}
async function unregistered(command, { process }, { protocol, only }) {
  const [first, all] = protocol === 'kplug' ? ['F1', v0Requirements] : ['P1', pluginRequirements];
  const output = process.output.trim().slice(-500);
  const ending = process.ending === undefined ? 'it runs and did not register' : `it ended with ${process.ending}`;
  const named = all.map(({ number, level, title }) => {
    const isFirst = number === first && level === 'MUST';
    const error = isFirst
      ? new NotMet(`${ending}; its output: ${output || 'nothing'}`, 'a registration')
      : new NotTried(`it did not register; see ${first}`);
    return { number, level, title, check: () => Promise.reject(error) };
  });
  const requirements = selectRequirements(named, only);
  return { subject: command.join(' '), verdicts: await runRequirements(requirements, undefined) };
}
//# sourceMappingURL=conform-plugin.js.map
