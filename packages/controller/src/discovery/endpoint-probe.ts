import type * as grpc from '@grpc/grpc-js';
import type { Instance } from '../registry/instance.ts';
import type { RegistrationReader } from '../registry/read-registration.ts';
import type { DeclarationReference, Lease } from '../registry/registration.ts';
import type { DeclaredEndpoint, ExpectedPlugin } from '../resources/services/plugin-declarations.ts';
import { ask } from './ask.ts';
import { checkIdentity } from './check-identity.ts';
import { ProbeFailure } from './probe-failure.ts';
import type { ProbedInstances } from './probed-instances.ts';
import { checkAddress, idOf, readInfo } from './read-info.ts';

/** Options of asking. Times in milliseconds. */
export interface ProbeTerms {
  /** How often a plugin is asked; six times as seldom once it has answered six times in a row. */
  interval: number;
  /** How long a plugin may take to answer. */
  timeout: number;
}

/** What probes of endpoints work with. */
export interface ProbeParts {
  instances: ProbedInstances;
  reader: RegistrationReader;
  credentials: grpc.ChannelCredentials;
  terms: ProbeTerms;
}

/** How often in a row a plugin has to answer until it is asked less often, and by how much less. */
const patience = 6;

/** The first wait after a failure, in milliseconds. */
const firstWait = 250;

/** Asks what is at one address what it is, again and again, and keeps its instance in the registry as that is. */
export class EndpointProbe {
  readonly #declaration: DeclarationReference;
  readonly #parts: ProbeParts;
  readonly #onChange: () => void;
  readonly #ended = new AbortController();
  readonly #asked = Promise.withResolvers<void>();
  #isAsked = false;
  readonly instanceId: string;
  #endpoint: DeclaredEndpoint;
  #expected: ExpectedPlugin;
  #timer: NodeJS.Timeout | undefined;
  #asking = false;
  #askAgain = false;
  #successes = 0;
  #failures = 0;
  #failure: ProbeFailure | undefined;
  #beating: Instance | undefined;
  #givenId = '';

  constructor(
    declaration: DeclarationReference,
    endpoint: DeclaredEndpoint,
    expected: ExpectedPlugin,
    parts: ProbeParts,
    onChange: () => void,
  ) {
    this.#declaration = declaration;
    this.#endpoint = endpoint;
    this.#expected = expected;
    this.#parts = parts;
    this.#onChange = onChange;
    this.instanceId = idOf(declaration, endpoint.address);
    void this.#ask();
  }

  /** Fulfilled when it has been asked once, whatever came of it. */
  get asked(): Promise<void> {
    return this.#asked.promise;
  }

  /** Whether it has been asked once. */
  get isAsked(): boolean {
    return this.#isAsked;
  }

  /** Why there is no instance, or why it doesn't answer. */
  get failure(): ProbeFailure | undefined {
    return this.#failure;
  }

  /** The instance that it is known as by its own heartbeats. */
  get beating(): Instance | undefined {
    return this.#beating;
  }

  /** The id that the process gives itself. */
  get givenId(): string {
    return this.#givenId;
  }

  /** Takes in what has changed of it. */
  update(endpoint: DeclaredEndpoint, expected: ExpectedPlugin): void {
    const isSame = JSON.stringify([endpoint, expected]) === JSON.stringify([this.#endpoint, this.#expected]);
    this.#endpoint = endpoint;
    this.#expected = expected;
    if (isSame) return;
    this.#failures = 0;
    void this.#ask();
  }

  /** Asks at once, unless asking has just failed. */
  hurry(): void {
    if (this.#failures === 0) void this.#ask();
  }

  /** The endpoint is gone. */
  leave(reason: string): void {
    this.stop();
    this.#parts.instances.leave(this.instanceId, reason);
  }

  /** Asks no more. */
  stop(): void {
    this.#ended.abort();
    clearTimeout(this.#timer);
    this.#asked.resolve();
  }

  async #ask(): Promise<void> {
    if (this.#ended.signal.aborted) return;
    clearTimeout(this.#timer);
    this.#askAgain = this.#asking;
    if (this.#asking) return;
    this.#asking = true;
    const wait = await this.#turn();
    this.#asking = false;
    this.#isAsked = true;
    this.#asked.resolve();
    if (this.#ended.signal.aborted) return;
    if (this.#askAgain) void this.#ask();
    else this.#timer = setTimeout(() => void this.#ask(), wait).unref();
    this.#onChange();
  }

  /** Returns how long to wait before the next one. */
  async #turn(): Promise<number> {
    const { instances, terms } = this.#parts;
    const { state } = this.#endpoint;
    if (state !== 'ready') {
      const reason = state === 'terminating' ? 'its endpoint is terminating' : 'its endpoint is not ready';
      instances.drain(this.instanceId, reason);
      this.#failure = undefined;
      return terms.interval;
    }
    try {
      await this.#admit();
    } catch (error) {
      if (!(error instanceof ProbeFailure)) throw error;
      return this.#fail(error);
    }
    this.#failure = undefined;
    this.#failures = 0;
    this.#successes++;
    return terms.interval * (this.#successes > patience ? patience : 1);
  }

  async #admit(): Promise<void> {
    const { instances, reader, credentials, terms } = this.#parts;
    const { address, pod } = this.#endpoint;
    checkAddress(address, reader);
    const info = await ask(address, { credentials, timeout: terms.timeout, signal: this.#ended.signal });
    // It may have changed while it was asked.
    if (this.#ended.signal.aborted || this.#endpoint.state !== 'ready') return;
    const lease = leaseOf(terms);
    const registration = readInfo(info, { address, declaration: this.#declaration, pod, lease }, reader);
    checkIdentity(registration, this.#expected);
    this.#givenId = info.instanceId;
    this.#beating = instances.admit(registration, info.instanceId);
  }

  #fail(failure: ProbeFailure): number {
    const { instances, terms } = this.#parts;
    this.#failure = failure;
    this.#beating = undefined;
    this.#successes = 0;
    this.#failures++;
    if (this.#ended.signal.aborted) return 0;
    // One that is busy may miss an answer. That its connection broke would have been noticed by itself.
    if (failure.reason !== 'Unreachable') instances.evict(this.instanceId, failure.message);
    else if (this.#failures > 1) instances.markSuspect(this.instanceId, failure.message);
    return Math.min(terms.interval, firstWait * 2 ** Math.min(this.#failures - 1, 20));
  }
}

/** It is heard when it answers. A broken connection is noticed long before. */
function leaseOf({ interval }: ProbeTerms): Lease {
  return { interval: interval * patience, ttl: interval * patience * 3 };
}
