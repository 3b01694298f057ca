import { durationFromMs } from '@bufbuild/protobuf/wkt';
import * as grpc from '@grpc/grpc-js';
import { addService, quietGrpc, RefusalReason, RegistryService, serviceError, v0 } from '@kplug/protocol';
/** A registry that hears what plugins say, believes nothing, and can behave badly. */
export class RegistryProbe {
  /** All that was heard, oldest first. */
  heard = [];
  /** All heartbeats in the first Kplug's protocol, oldest first. */
  v0Beats = [];
  /** The interval that it grants, in milliseconds. */
  interval;
  #manner = 'accepting';
  #server;
  #port = 0;
  #sessions = new Set();
  constructor(interval) {
    this.interval = interval;
    quietGrpc();
  }
  static async start(interval) {
    const probe = new RegistryProbe(interval);
    await probe.listen();
    return probe;
  }
  get address() {
    return `127.0.0.1:${this.#port}`;
  }
  /** Listens, after `close` where it listened before. */
  async listen() {
    const server = new grpc.Server();
    addService(server, RegistryService, this.#handlers());
    addService(server, v0.Controller, {
      pluginHeartbeat: (information) => this.#answerV0(information),
    });
    const target = this.address;
    this.#port = await new Promise((resolve, reject) => {
      server.bindAsync(target, grpc.ServerCredentials.createInsecure(), (error, port) => {
        if (error) reject(error);
        else resolve(port);
      });
    });
    this.#server = server;
  }
  /** Stops listening, and breaks all sessions. */
  close() {
    this.#server?.drain(this.address, 0);
    this.#server?.forceShutdown();
    this.#server = undefined;
    this.#sessions.clear();
  }
  /** Behaves in another manner from now on; sessions that are open hear of it, or break where it has none. */
  behave(manner) {
    this.#manner = manner;
    for (const session of this.#sessions) {
      if (manner === 'unavailable' || manner === 'withoutSessions') session.emit('error', away);
      else this.#answer(session);
    }
  }
  /** What was heard since a time. */
  since(at, ...what) {
    return this.heard.filter((one) => one.at >= at && (what.length === 0 || what.includes(one.what)));
  }
  #handlers() {
    return {
      session: (stream) => this.#serve(stream),
      heartbeat: ({ registration }, call) => {
        const isNew = !this.heard.some((one) => one.registration?.instanceId === registration?.instanceId);
        const what = isNew || this.#manner === 'unavailable' ? 'registration' : 'beat';
        this.#hear({ way: 'heartbeat', what, ...callerOf(call), ...(registration && { registration }) });
        if (this.#manner === 'unavailable') throw away;
        return this.#reply();
      },
      deregister: (_, call) => {
        this.#hear({ way: 'heartbeat', what: 'deregistration', ...callerOf(call) });
        return {};
      },
    };
  }
  #serve(stream) {
    const caller = callerOf(stream);
    const hear = (what, registration) =>
      this.#hear({ way: 'session', what, ...caller, ...(registration && { registration }) });
    stream.on('data', ({ message }) => {
      if (message.case !== 'registration') return hear('beat');
      hear('registration', message.value);
      if (this.#manner === 'unavailable') return stream.emit('error', away);
      if (this.#manner === 'withoutSessions') return stream.emit('error', unimplemented);
      this.#sessions.add(stream);
      this.#answer(stream);
    });
    stream.on('end', () => {
      this.#sessions.delete(stream);
      hear('ended');
      stream.end();
    });
    stream.on('cancelled', () => {
      if (this.#sessions.delete(stream)) hear('broken');
    });
  }
  #answerV0(information) {
    this.v0Beats.push({ at: performance.now(), information });
    const manner = this.#manner;
    if (manner === 'unavailable') throw away;
    const { address, name, api } = information;
    const fault = address && name && api ? '' : 'a heartbeat must have an address, a name and an api';
    const notAcceptedReason = typeof manner === 'object' ? manner.refusing : fault;
    return { accepted: notAcceptedReason === '', notAcceptedReason };
  }
  #answer(session) {
    const reply = this.#reply();
    session.write(reply);
    if (reply.answer.case !== 'refusal') return;
    this.#sessions.delete(session);
    session.end();
  }
  #reply() {
    const manner = this.#manner;
    if (typeof manner === 'object') {
      return {
        answer: { case: 'refusal', value: { reason: RefusalReason.INVALID, message: manner.refusing } },
      };
    }
    const terms = { interval: durationFromMs(this.interval), ttl: durationFromMs(this.interval * 3) };
    return { answer: { case: 'lease', value: { ...terms, drain: manner === 'draining' } } };
  }
  #hear(heard) {
    this.heard.push({ at: performance.now(), ...heard });
  }
}
function callerOf(call) {
  const [authorization] = call.metadata.get('authorization');
  return { peer: call.getPeer(), ...(authorization === undefined ? {} : { authorization: String(authorization) }) };
}
const away = serviceError(grpc.status.UNAVAILABLE, 'this registry is away on purpose');
const unimplemented = serviceError(grpc.status.UNIMPLEMENTED, 'this registry has no sessions on purpose');
//# sourceMappingURL=registry-probe.js.map
