import * as grpc from '@grpc/grpc-js';
/** A plugin of the tool's own, which answers for each base as it is told to and remembers what it was called for. */
export class ScriptedPlugin {
  /** All calls, in the order in which they came. */
  calls = [];
  server = new grpc.Server();
  #scripts = new Map();
  #port = 0;
  get port() {
    return this.#port;
  }
  /** Answers for the base of a name by a script from now on. */
  follow(name, script) {
    this.#scripts.set(name, script);
  }
  /** The calls for the base of a name. */
  callsFor(name) {
    return this.calls.filter(({ base }) => base.metadata.name === name);
  }
  async listen() {
    this.#port = await new Promise((resolve, reject) => {
      this.server.bindAsync('[::]:0', grpc.ServerCredentials.createInsecure(), (error, port) => {
        if (error) reject(error);
        else resolve(port);
      });
    });
  }
  async answer(call) {
    const { name } = call.base.metadata;
    const index = this.callsFor(name).filter(({ method }) => isUndoing(method) === isUndoing(call.method)).length;
    this.calls.push(call);
    try {
      return await this.#scripts.get(name)?.(call, index);
    } finally {
      call.endedAt = performance.now();
    }
  }
}
/** Whether a call is one that undoes. */
export function isUndoing(method) {
  return method === 'finalize' || method === 'delete';
}
//# sourceMappingURL=scripted-plugin.js.map
