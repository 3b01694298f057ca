import { setTimeout as delay } from 'node:timers/promises';
import * as grpc from '@grpc/grpc-js';
import { isAnswerMissing, keyOf } from '@kplug/controller';
import { createGrpcClient, isServiceError, v0 } from '@kplug/protocol';
import { stringify } from 'yaml';
import { describeAnswer } from '../plugin/describe-answer.js';
import { NotTried } from '../requirement.js';

/** How long opening a connection may take, in milliseconds. */
const connectTime = 5_000;
/** Errors that say of themselves that trying again helps. */
const passing = [grpc.status.ABORTED, grpc.status.UNAVAILABLE];
/** A plugin of the first Kplug's protocol that is tried, from an operator's side. */
export class V0UnderTest {
  address;
  sample;
  timeout;
  /** Every call that was answered, or ended with an error. */
  calls = [];
  /** Why nothing can be called, once that is known. */
  unreached;
  #client;
  #life;
  #creation;
  constructor({ address, sample, timeout, life }) {
    this.address = address;
    this.sample = sample;
    this.timeout = timeout;
    this.#life = life;
    this.#client = createGrpcClient(v0.Plugin, address, grpc.credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
    });
  }
  /** Its process and what it says. Throws `NotTried` when only its address is known. */
  get life() {
    if (this.#life) return this.#life;
    throw new NotTried('only an address was given; let the plugin be started: kplug conformance plugin -- COMMAND');
  }
  /** Whether a connection to its address can be opened. */
  isConnected() {
    const { promise, resolve } = Promise.withResolvers();
    this.#client.$client.waitForReady(Date.now() + connectTime, (error) => resolve(!error));
    return promise;
  }
  /** What an operator sends for a base. */
  request(base = this.sample.base, references = this.sample.extensions) {
    const written = references.map((reference) => [keyOf(reference), { yaml: writeYaml(reference) }]);
    return { base: { yaml: writeYaml(base) }, references: Object.fromEntries(written) };
  }
  /** Calls `create`. Rejects with the gRPC error, or with `NotTried` when the deadline passed, which F7 is about. */
  create(request = this.request()) {
    return this.#call('create', request);
  }
  /** Calls `update`. Rejects as `create` does. */
  update(request = this.request(), signal) {
    return this.#call('update', request, signal);
  }
  /** Calls `delete`. Rejects as `create` does, but for a mere lack of an answer. */
  delete(request = this.request()) {
    return this.#call('delete', request);
  }
  /** The call that creates the sample, made once. Rejects as `create` does. */
  creation() {
    this.#creation ??= this.retrying(() => this.create());
    return this.#creation;
  }
  /** Has the sample created, once. Rejects with `NotTried` where that can't be. */
  async created() {
    const advice = this.sample.isGiven ? 'see F3' : 'give one that it can create, with --resource';
    await this.creation().catch((error) => {
      if (error instanceof NotTried) throw error;
      throw new NotTried(`the resource can't be created: ${describeAnswer(error)}; ${advice}`);
    });
  }
  /** Calls as an operator does: again, as long as the error is one that passes and there is time. */
  async retrying(call) {
    const end = Date.now() + this.timeout;
    for (;;) {
      try {
        return await call();
      } catch (error) {
        if (!isServiceError(error) || !passing.includes(error.code) || Date.now() + 200 > end) throw error;
      }
      await delay(200);
    }
  }
  [Symbol.dispose]() {
    this.#client.$client.close();
  }
  async #call(method, request, signal) {
    if (this.unreached !== undefined) throw new NotTried(this.unreached);
    const call = { method, keys: new Set(Object.keys(request.references ?? {})) };
    const options = { deadline: Date.now() + this.timeout, ...(signal && { signal }) };
    try {
      if (method === 'delete') await this.#client.delete(request, options);
      else call.returned = await this.#client[method](request, options);
      this.calls.push(call);
      return call;
    } catch (error) {
      if (!isServiceError(error)) throw error;
      if (method === 'delete' && isAnswerMissing(error)) {
        call.isUnanswered = true;
        this.calls.push(call);
        return call;
      }
      // One that was cancelled from here says nothing of the plugin.
      if (!signal?.aborted) this.calls.push({ ...call, error });
      if (error.code === grpc.status.DEADLINE_EXCEEDED) throw new NotTried(`${method} wasn't answered; see F7`);
      throw error;
    }
  }
}
/** Every text stands in quotes, so that readers of YAML 1.1 understand it alike. */
function writeYaml(resource) {
  return stringify(resource, { defaultStringType: 'QUOTE_DOUBLE', lineWidth: 0, aliasDuplicateObjects: false });
}
//# sourceMappingURL=v0-under-test.js.map
