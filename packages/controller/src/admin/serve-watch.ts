import { Code, ConnectError, type HandlerContext } from '@connectrpc/connect';
import { limits } from '../limits/limits.ts';
import { type WatchReader, WatchRefused } from '../registry/watch.ts';
import { requestConnection } from './request-connection.ts';

const { cutOffGrace } = limits.watches;

/** Serves a watch, which `open` opens for a reader. Throws `resource_exhausted` when there are too many, and when its reader lags. */
export async function* serveWatch<Response>(
  { values, signal }: HandlerContext,
  open: (reader: WatchReader) => AsyncIterable<Response>,
): AsyncGenerator<Response> {
  const { peer, reset } = values.get(requestConnection);
  const onCut = () => {
    // A reader that doesn't read never gets to the error.
    const timer = setTimeout(reset, cutOffGrace);
    signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  };
  try {
    yield* open({ peer, signal, onCut });
  } catch (error) {
    if (error instanceof WatchRefused)
      throw new ConnectError(error.message, Code.ResourceExhausted, undefined, undefined, error);
    throw error;
  }
}
