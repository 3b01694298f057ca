import { setTimeout as delay } from 'node:timers/promises';
import { durationMs, timestampFromMs } from '@bufbuild/protobuf/wkt';
import * as grpc from '@grpc/grpc-js';
import { createGrpcClient, isServiceError, Outcome, PluginService } from '@kplug/protocol';
import { NotTried } from '../requirement.js';
import { describeAnswer } from './describe-answer.js';
import { byKey, encode } from './sample.js';
/** The plugin that is tried, from a controller's side. */
export class PluginUnderTest {
  info;
  sample;
  timeout;
  /** Every call of Reconcile and Finalize that was answered, or ended with an error. */
  calls = [];
  #client;
  #isReached;
  #life;
  #settled;
  constructor({ address, info, sample, timeout, life, isReached }) {
    const credentials = grpc.credentials.createInsecure();
    this.#client = createGrpcClient(PluginService, address, credentials, { 'grpc.use_local_subchannel_pool': 1 });
    this.info = info;
    this.sample = sample;
    this.timeout = timeout;
    this.#life = life;
    this.#isReached = isReached;
  }
  /** Calls it. Throws `NotTried` when it can't be reached at all. */
  get client() {
    if (this.#isReached) return this.#client;
    throw new NotTried("it isn't reached at the address that it registered; see P4");
  }
  /** Its process and what it says. Throws `NotTried` when only its address is known. */
  get life() {
    if (this.#life) return this.#life;
    throw new NotTried('only an address was given; let the plugin be started: kplug conformance plugin -- COMMAND');
  }
  /** Whether it answered when it was looked for. */
  get isReached() {
    return this.#isReached;
  }
  /** Whether its process is known. */
  get hasLife() {
    return this.#life !== undefined;
  }
  /** What a controller sends for a base. */
  request(base = this.sample.base, extensions = this.sample.extensions) {
    const { apis } = this.info;
    const deadline = Date.now() + this.timeout;
    return {
      base: { json: encode(base) },
      extensions: byKey(extensions),
      assignment: {
        delegation: 'conformance',
        api: apis[0]?.name ?? '',
        apiVersion: apis[0]?.version ?? '',
        reason: 'Preferred',
        message: 'it is tried for conformance',
      },
      context: { attempt: 1, deadline: timestampFromMs(deadline) },
    };
  }
  /** Calls Reconcile. Rejects with the gRPC error, or with `NotTried` when the deadline passed, which P25 is about. */
  reconcile(request = this.request(), signal) {
    const options = { deadline: Date.now() + this.timeout, ...(signal && { signal }) };
    return this.#record('Reconcile', Object.keys(request.extensions ?? {}), this.client.reconcile(request, options));
  }
  /** Calls Finalize. Rejects as `reconcile` does. */
  finalize(request = this.request()) {
    const options = { deadline: Date.now() + this.timeout };
    return this.#record('Finalize', Object.keys(request.extensions ?? {}), this.client.finalize(request, options));
  }
  /** The answer that reconciles the sample, the first time that it is asked for. Rejects with `NotTried` where there is none. */
  async reconciled() {
    this.#settled ??= this.retrying(() => this.reconcile());
    const answer = await this.#settled.catch((error) => {
      if (error instanceof NotTried) throw error;
      throw new NotTried(`the resource can't be reconciled: ${describeAnswer(error)}`);
    });
    if (answer.outcome === Outcome.SUCCESS) return answer;
    const advice = this.sample.isGiven ? 'see P16' : 'give one that it can reconcile, with --resource';
    throw new NotTried(`the resource isn't reconciled: ${describeAnswer(answer)}; ${advice}`);
  }
  /** Calls as a controller does: again, as long as it is answered with RETRY and there is time. */
  async retrying(call) {
    const end = Date.now() + this.timeout;
    for (;;) {
      const answer = await call();
      const wait = answer.retryAfter ? durationMs(answer.retryAfter) : 200;
      if (answer.outcome !== Outcome.RETRY || Date.now() + wait > end) return answer;
      await delay(wait);
    }
  }
  [Symbol.dispose]() {
    this.#client.$client.close();
  }
  async #record(method, keys, call) {
    const made = { method, keys: new Set(keys) };
    try {
      const answer = await call;
      this.calls.push({ ...made, answer });
      return answer;
    } catch (error) {
      if (!isServiceError(error)) throw error;
      this.calls.push({ ...made, error });
      if (error.code === grpc.status.DEADLINE_EXCEEDED) throw new NotTried(`${method} wasn't answered; see P25`);
      throw error;
    }
  }
}
//# sourceMappingURL=plugin-under-test.js.map
