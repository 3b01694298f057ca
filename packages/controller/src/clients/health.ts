import * as grpc from '@grpc/grpc-js';
import { service } from 'grpc-health-check';
import { limits } from '../limits/limits.ts';
import { TokenBucket } from '../queue/token-bucket.ts';
import { checkInterval } from './check-interval.ts';
import { describeFailure } from './describe-failure.ts';
import { isConnectionExhausted } from './grpc-error.ts';

/**
 * Health of a service.
 *
 * - `unknown`: the server doesn't know the service; its overall status applies.
 * - `unimplemented`: it doesn't serve `grpc.health.v1`, and counts as serving while it is connected.
 */
export type ServingStatus = 'serving' | 'notServing' | 'unknown' | 'unimplemented';

/** Receives the health of a service. */
export interface HealthListener {
  onStatus(status: ServingStatus): void;
  /** The server serves no `Watch`: health is polled, if at all, and a broken connection isn't reported. */
  onUnwatched(): void;
  /** The connection broke, the server ended the watch, or a check had no response. */
  onEnd(reason: string): void;
}

/** Service to watch. */
export interface HealthQuestion {
  /** Service name; empty for the server as a whole. */
  service: string;
  /**
   * Interval between checks of a server that serves `Check` but no `Watch`, in milliseconds. Six times as long after six healthy
   * checks in a row.
   */
  interval: number;
}

const HealthClient = grpc.makeClientConstructor(service, 'Health');

const { healthTimeout, healthBurst, healthUpdateInterval } = limits.connections;

/** Limit of the updates of a watch. */
const updateLimit = { burst: healthBurst, interval: healthUpdateInterval };

/** Status codes that mean that there was no response. Any other error means that the server reports no health. */
const unanswered = new Set([grpc.status.UNAVAILABLE, grpc.status.DEADLINE_EXCEEDED, grpc.status.CANCELLED]);

interface HealthResponse {
  status: string;
}

interface HealthMethods {
  watch(request: object): grpc.ClientReadableStream<HealthResponse>;
  check(
    request: object,
    options: grpc.CallOptions,
    callback: (error: grpc.ServiceError | null, response?: HealthResponse) => void,
  ): grpc.ClientUnaryCall;
}

/** Watches the health of a service on a client's channel. Returns a function that ends the watch. */
export function watchHealth(client: grpc.Client, question: HealthQuestion, listener: HealthListener): () => void {
  const watch = new HealthWatch(client, question, listener);
  watch.start();
  return () => watch.cancel();
}

class HealthWatch {
  readonly #health: HealthMethods;
  readonly #question: HealthQuestion;
  readonly #listener: HealthListener;
  #call: { cancel(): void } | undefined;
  #timer: NodeJS.Timeout | undefined;
  #ended = false;
  #healthy = 0;

  constructor(client: grpc.Client, question: HealthQuestion, listener: HealthListener) {
    const options = { channelOverride: client.getChannel() };
    this.#health = new HealthClient('', grpc.credentials.createInsecure(), options) as unknown as HealthMethods;
    this.#question = question;
    this.#listener = listener;
  }

  start(): void {
    const stream = this.#health.watch({ service: this.#question.service });
    this.#call = stream;
    let isOver = false;
    const over = (then: () => void) => {
      if (isOver || this.#ended) return;
      isOver = true;
      then();
    };
    const updates = new TokenBucket(updateLimit);
    stream.on('data', ({ status }: HealthResponse) => {
      if (isOver || this.#ended) return;
      if (updates.take()) this.#listener.onStatus(readStatus(status));
      // Asking at intervals bounds the work for a server whose health changes all the time.
      else
        over(() => {
          stream.cancel();
          this.#poll();
        });
    });
    stream.on('error', (error: grpc.ServiceError) =>
      over(() => {
        if (error.code === grpc.status.UNIMPLEMENTED) this.#poll();
        else if (error.code === grpc.status.NOT_FOUND) this.#settle('unknown');
        else this.#end(describeFailure(error));
      }),
    );
    // An error also ends the stream; it is handled above.
    stream.on('end', () => setImmediate(() => over(() => this.#end('it ended the health watch'))));
  }

  cancel(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#call?.cancel();
  }

  #poll(): void {
    this.#listener.onUnwatched();
    this.#check();
  }

  #check(): void {
    const options = { deadline: Date.now() + healthTimeout };
    this.#call = this.#health.check({ service: this.#question.service }, options, (error, response) => {
      if (this.#ended) return;
      if (error) this.#onCheckFailed(error);
      else this.#onChecked(readStatus(response?.status ?? ''));
    });
  }

  #onChecked(status: ServingStatus): void {
    this.#healthy = status === 'serving' ? this.#healthy + 1 : 0;
    const interval = checkInterval(this.#question.interval, this.#healthy);
    this.#timer = setTimeout(() => this.#check(), interval);
    this.#timer.unref();
    this.#listener.onStatus(status);
  }

  #onCheckFailed(error: grpc.ServiceError): void {
    if (unanswered.has(error.code) || isConnectionExhausted(error))
      this.#end(`its health check failed: ${describeFailure(error)}`);
    else if (error.code === grpc.status.NOT_FOUND) this.#onChecked('unknown');
    else this.#settle('unimplemented');
  }

  /** Reports a final status: no further ones will come. */
  #settle(status: ServingStatus): void {
    if (status === 'unknown') this.#listener.onUnwatched();
    this.#ended = true;
    this.#listener.onStatus(status);
  }

  #end(reason: string): void {
    this.#ended = true;
    this.#listener.onEnd(reason);
  }
}

function readStatus(status: string): ServingStatus {
  if (status === 'NOT_SERVING') return 'notServing';
  return status === 'SERVING' ? 'serving' : 'unknown';
}
