import type { EventEmitter } from 'node:events';
import type { ServerHttp2Stream } from 'node:http2';
import * as grpc from '@grpc/grpc-js';
import { serviceError } from '@kplug/protocol';
import { limits } from '../limits/limits.ts';
import { http2StreamOf } from './http2-stream-of.ts';

/** Streams of sessions and watches, which end with a status when the port closes: a client would only see a reset otherwise. */
export class OpenStreams {
  readonly #streams = new Map<EventEmitter, ServerHttp2Stream>();

  /** Adds a call until it has ended. */
  add(call: EventEmitter): void {
    const stream = http2StreamOf(call);
    if (!stream || stream.destroyed) return;
    this.#streams.set(call, stream);
    stream.once('close', () => this.#streams.delete(call));
  }

  /** Ends all streams. Fulfilled when their clients know, or don't answer for a while. */
  async end(): Promise<void> {
    const closed = [...this.#streams].map(async ([call, stream]) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      stream.once('close', resolve);
      call.emit('error', serviceError(grpc.status.UNAVAILABLE, 'the operator shut down'));
      await promise;
    });
    const grace = Promise.withResolvers<void>();
    const timer = setTimeout(grace.resolve, limits.heartbeat.closeTimeout);
    await Promise.race([Promise.all(closed), grace.promise]);
    clearTimeout(timer);
  }
}
