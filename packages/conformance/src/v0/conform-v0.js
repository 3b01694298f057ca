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

import { CommandError } from '../../../cli/src/command-error.js';
import { sampleOf } from '../plugin/sample.js';
import { runRequirements, selectRequirements } from '../run-requirements.js';
import { v0Requirements } from './requirements.js';
import { V0UnderTest } from './v0-under-test.js';
/** Tries a plugin of the first Kplug's protocol. Rejects with a `CommandError` when only an address is given and none answers. */
export async function conformV0(address, { manifests, kind, timeout, only }, life) {
  const env_1 = { stack: [], error: void 0, hasError: false };
  try {
    const requirements = selectRequirements(v0Requirements, only);
    const { name = '', version = '', api = '' } = life?.registry.v0Beats[0]?.information ?? {};
    const sample = sampleOf(manifests, { plugin: name, apis: api ? [{ name: api, extensionKinds: [] }] : [] }, kind);
    const plugin = __addDisposableResource(env_1, new V0UnderTest({ address, sample, timeout, life }), false);
    if (!life && !(await plugin.isConnected())) {
      throw new CommandError('unreachable', `no plugin answers at ${address}; start it, or name another address`);
    }
    const who = [name, version].filter(Boolean).join(' ') || 'the plugin';
    return { subject: `${who} at ${address}`, verdicts: await runRequirements(requirements, plugin) };
  } catch (e_1) {
    env_1.error = e_1;
    env_1.hasError = true;
  } finally {
    __disposeResources(env_1);
  }
}
//# sourceMappingURL=conform-v0.js.map
