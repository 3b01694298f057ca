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

import { quietGrpc } from '@kplug/protocol';
import { CommandError } from '../../../cli/src/command-error.js';
import { describeAnswer } from '../plugin/describe-answer.js';
import { runRequirements, selectRequirements } from '../run-requirements.js';
import { answerTime, ControllerUnderTest } from './controller-under-test.js';
import { calling, working } from './delegated/calling.js';
import { reporting } from './delegated/reporting.js';
import { v0Calling } from './delegated/v0-calling.js';
import { refusing } from './malformed.js';
import { hearing } from './registering.js';
import { serving } from './serving.js';
import { v0Beating } from './v0-beating.js';
/** What `docs/plugin-specification.md` requires of a controller, in the order in which it is tried. */
export const controllerRequirements = [
  ...hearing,
  ...refusing,
  ...serving,
  ...v0Beating,
  ...calling,
  ...reporting,
  ...working,
  ...v0Calling,
];
/** Tries a controller from a plugin's side. Rejects with a `CommandError` when none answers. */
export async function conformController(address, { only, delegated } = {}) {
  const env_1 = { stack: [], error: void 0, hasError: false };
  try {
    quietGrpc();
    const requirements = selectRequirements(controllerRequirements, only);
    const controller = __addDisposableResource(env_1, await ControllerUnderTest.reach(address), true);
    try {
      await controller.client.listPlugins({}, { deadline: Date.now() + answerTime });
    } catch (cause) {
      const message = `no controller answers at ${address}: ${describeAnswer(cause)}; name an operator's heartbeat port`;
      throw new CommandError('unreachable', message, { cause });
    }
    if (delegated) await controller.delegate(delegated);
    const verdicts = await runRequirements(requirements, controller);
    return { subject: `the controller at ${address}`, verdicts };
  } catch (e_1) {
    env_1.error = e_1;
    env_1.hasError = true;
  } finally {
    const result_1 = __disposeResources(env_1);
    if (result_1) await result_1;
  }
}
//# sourceMappingURL=conform-controller.js.map
