import { checkInterval, healthyThreshold } from '../clients/check-interval.ts';
import type { WorkOutcome } from '../queue/work-queue.ts';
import type { Instance } from '../registry/instance.ts';
import type { DeclarationReference, Lease } from '../registry/registration.ts';
import type { DeclaredEndpoint, ExpectedPlugin } from '../resources/services/plugin-declarations.ts';
import { checkIdentity } from './check-identity.ts';
import { getPluginInfo } from './get-plugin-info.ts';
import type { Probe, ProbeParts, ProbeTiming } from './probe.ts';
import { ProbeFailure } from './probe-failure.ts';
import { checkAddress, idOf, readInfo } from './read-info.ts';

/** Probes one endpoint at an interval, and registers the instance that answers. */
export class EndpointProbe implements Probe {
  #declaration: DeclarationReference;
  readonly #parts: ProbeParts;
  readonly #onResult: () => void;
  readonly #ended = new AbortController();
  readonly #probed = Promise.withResolvers<void>();
  readonly instanceId: string;
  #endpoint: DeclaredEndpoint;
  #expected: ExpectedPlugin;
  #isProbed = false;
  #successes = 0;
  #failure: ProbeFailure | undefined;
  #selfRegistered: Instance | undefined;
  #reportedId = '';

  /** @param onResult called after each probe. */
  constructor(
    declaration: DeclarationReference,
    endpoint: DeclaredEndpoint,
    expected: ExpectedPlugin,
    parts: ProbeParts,
    onResult: () => void,
  ) {
    this.#declaration = declaration;
    this.#endpoint = endpoint;
    this.#expected = expected;
    this.#parts = parts;
    this.#onResult = onResult;
    this.instanceId = idOf(declaration, endpoint.address);
    parts.queue.add(this);
  }

  /** Fulfilled when the first probe has ended, with any result, or the probe was stopped. */
  get probed(): Promise<void> {
    return this.#probed.promise;
  }

  /** Reports whether the first probe has ended. */
  get isProbed(): boolean {
    return this.#isProbed;
  }

  /** Failure of the last probe. */
  get failure(): ProbeFailure | undefined {
    return this.#failure;
  }

  /** Instance that the same process registered by its own heartbeats. */
  get selfRegistered(): Instance | undefined {
    return this.#selfRegistered;
  }

  /** Instance id that the process reports. */
  get reportedId(): string {
    return this.#reportedId;
  }

  /** Probes again immediately if anything changed. */
  update(endpoint: DeclaredEndpoint, expected: ExpectedPlugin, declaration = this.#declaration): void {
    const former = [this.#declaration, this.#endpoint, this.#expected];
    const isSame = JSON.stringify([declaration, endpoint, expected]) === JSON.stringify(former);
    this.#declaration = declaration;
    this.#endpoint = endpoint;
    this.#expected = expected;
    if (isSame || this.#ended.signal.aborted) return;
    this.#parts.queue.reset(this);
    this.#parts.queue.add(this);
  }

  /** Probes immediately, unless the last probe failed. */
  probeNow(): void {
    const { queue } = this.#parts;
    if (!this.#ended.signal.aborted && queue.failures(this) === 0) queue.add(this);
  }

  /** Ends the probe of an endpoint that is gone, and removes its instance when its in-flight calls have ended. */
  remove(reason: string): void {
    this.stop();
    this.#parts.instances.drainAndEvict(this.instanceId, reason);
  }

  /** Ends the probe. Its instance stays. */
  stop(): void {
    this.#ended.abort();
    this.#parts.queue.remove(this);
    this.#probed.resolve();
  }

  async run(): Promise<WorkOutcome> {
    const outcome = await this.#probe();
    this.#isProbed = true;
    this.#probed.resolve();
    if (this.#ended.signal.aborted) return { next: 'done' };
    this.#onResult();
    return outcome;
  }

  async #probe(): Promise<WorkOutcome> {
    const { instances, timing } = this.#parts;
    const { state } = this.#endpoint;
    if (state !== 'ready') {
      const reason = state === 'terminating' ? 'its endpoint is terminating' : 'its endpoint is not ready';
      instances.drain(this.instanceId, reason);
      this.#failure = undefined;
      return { next: 'again', after: timing.interval };
    }
    try {
      await this.#register();
    } catch (error) {
      if (!(error instanceof ProbeFailure)) throw error;
      this.#fail(error);
      return { next: 'retry' };
    }
    this.#failure = undefined;
    this.#successes++;
    return { next: 'again', after: checkInterval(timing.interval, this.#successes) };
  }

  async #register(): Promise<void> {
    const { instances, reader, security, timing } = this.#parts;
    const { address, pod } = this.#endpoint;
    checkAddress(address, reader);
    const { timeout } = timing;
    const declaration = this.#declaration;
    const info = await getPluginInfo({ address, declaration }, { security, timeout, signal: this.#ended.signal });
    // The endpoint may have changed meanwhile.
    if (this.#ended.signal.aborted || this.#endpoint.state !== 'ready') return;
    const place = { address, declaration, pod, lease: leaseOf(timing) };
    const registration = readInfo(info, place, reader);
    checkIdentity(registration, this.#expected);
    this.#reportedId = info.instanceId;
    this.#selfRegistered = instances.register(registration, info.instanceId);
  }

  #fail(failure: ProbeFailure): void {
    const { instances, queue } = this.#parts;
    this.#failure = failure;
    this.#selfRegistered = undefined;
    this.#successes = 0;
    if (this.#ended.signal.aborted) return;
    // A busy plugin may miss one probe. A broken connection is noticed without probes.
    if (failure.reason !== 'Unreachable') instances.evict(this.instanceId, failure.message);
    else if (queue.failures(this) > 0) instances.markSuspect(this.instanceId, failure.message);
  }
}

/** Lease of a probed instance, which each answer renews. A broken connection is noticed long before it expires. */
function leaseOf({ interval }: ProbeTiming): Lease {
  return { interval: interval * healthyThreshold, ttl: interval * healthyThreshold * 3 };
}
