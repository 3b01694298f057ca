import * as grpc from '@grpc/grpc-js';
import { service } from 'grpc-health-check';
import { describeFailure } from './describe-failure.ts';

/** What a server says of itself. One that doesn't serve `grpc.health.v1` is believed to be serving while it is connected. */
export type ServingStatus = 'serving' | 'notServing' | 'unimplemented';

/** Hears of a server's health over a channel. */
export interface HealthListener {
  onStatus(status: ServingStatus): void;
  /** The watch ended, as the connection broke or the server ended it. */
  onEnd(reason: string): void;
}

const HealthClient = grpc.makeClientConstructor(service, 'Health');

interface WatchResponse {
  status: string;
}

/** Watches the health of a server on a client's channel. Returns what ends the watch. */
export function watchHealth(client: grpc.Client, listener: HealthListener): () => void {
  const health = new HealthClient('', grpc.credentials.createInsecure(), { channelOverride: client.getChannel() });
  const watch = health.watch as (request: object) => grpc.ClientReadableStream<WatchResponse>;
  const stream = watch.call(health, { service: '' });
  let ended = false;
  const end = (reason: string) => {
    if (ended) return;
    ended = true;
    listener.onEnd(reason);
  };
  stream.on('data', ({ status }: WatchResponse) =>
    listener.onStatus(status === 'NOT_SERVING' ? 'notServing' : 'serving'),
  );
  stream.on('error', (error: grpc.ServiceError) => {
    if (ended) return;
    if (error.code === grpc.status.UNIMPLEMENTED) {
      // The stream ends after it, which says nothing of the connection.
      ended = true;
      listener.onStatus('unimplemented');
    } else end(describeFailure(error));
  });
  stream.on('end', () => setImmediate(() => end('it ended the health watch')));
  return () => {
    ended = true;
    stream.cancel();
  };
}
