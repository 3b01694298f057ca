import * as grpc from '@grpc/grpc-js';
import { service } from 'grpc-health-check';
import { describeFailure } from './describe-failure.ts';

/**
 * What a server says of a service. `unknown`: it doesn't know that name, so what it says of itself as a whole holds. One that
 * doesn't serve `grpc.health.v1` is believed to be serving while it is connected.
 */
export type ServingStatus = 'serving' | 'notServing' | 'unknown' | 'unimplemented';

/** Hears of a service's health over a channel. */
export interface HealthListener {
  onStatus(status: ServingStatus): void;
  /** The server serves no `Watch`: from here on the health is asked for, if at all, and a broken connection isn't told. */
  onUnwatched(): void;
  /** The watch ended, as the connection broke or the server ended it; or a check had no answer. */
  onEnd(reason: string): void;
}

/** What is watched. */
export interface HealthQuestion {
  /** As the health service names it; empty for the server as a whole. */
  service: string;
  /**
   * How often a server is asked that serves `Check` but no `Watch`, in milliseconds. Six times as long once it has been well for
   * six times in a row.
   */
  interval: number;
}

const HealthClient = grpc.makeClientConstructor(service, 'Health');

/** How long a check may take, in milliseconds. */
const checkTimeout = 2_000;

/** How many checks in a row have to go well until they are made less often, and by how much less. */
const patience = 6;

/** What says that there was no answer. Any other error is one: there is no health to be had. */
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

/** Watches the health of a service on a client's channel. Returns what ends the watch. */
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
  #well = 0;

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
    stream.on('data', ({ status }: HealthResponse) => this.#listener.onStatus(readStatus(status)));
    stream.on('error', (error: grpc.ServiceError) =>
      over(() => {
        if (error.code === grpc.status.UNIMPLEMENTED) this.#poll();
        else if (error.code === grpc.status.NOT_FOUND) this.#settle('unknown');
        else this.#end(describeFailure(error));
      }),
    );
    // What comes with an error says nothing of the connection by itself.
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
    const options = { deadline: Date.now() + checkTimeout };
    this.#call = this.#health.check({ service: this.#question.service }, options, (error, response) => {
      if (this.#ended) return;
      if (error) this.#onCheckFailed(error);
      else this.#onChecked(readStatus(response?.status ?? ''));
    });
  }

  #onChecked(status: ServingStatus): void {
    this.#well = status === 'serving' ? this.#well + 1 : 0;
    const interval = this.#question.interval * (this.#well > patience ? patience : 1);
    this.#timer = setTimeout(() => this.#check(), interval);
    this.#timer.unref();
    this.#listener.onStatus(status);
  }

  #onCheckFailed(error: grpc.ServiceError): void {
    if (unanswered.has(error.code)) this.#end(`its health can't be asked for: ${describeFailure(error)}`);
    else if (error.code === grpc.status.NOT_FOUND) this.#onChecked('unknown');
    else this.#settle('unimplemented');
  }

  /** Nothing more will be heard. */
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
