import { Code, ConnectError, type HandlerContext } from '@connectrpc/connect';
import type { WatchPluginsResponse } from '@kplug/protocol';
import { limits } from '../limits/limits.ts';
import type { PluginFilter } from '../registry/plugin-list.ts';
import type { PluginWatches } from '../registry/plugin-watches.ts';
import { WatchRefused } from '../registry/watch-slots.ts';
import { requestConnection } from './request-connection.ts';

const { cutOffGrace } = limits.watches;

/** Serves a watch of instances. Throws `resource_exhausted` when there are too many, and when its reader lags. */
export async function* serveWatch(
  watches: PluginWatches,
  filter: PluginFilter,
  { values, signal }: HandlerContext,
): AsyncGenerator<WatchPluginsResponse> {
  const { peer, reset } = values.get(requestConnection);
  const onCut = () => {
    // A reader that doesn't read never gets to the error.
    const timer = setTimeout(reset, cutOffGrace);
    signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  };
  try {
    yield* watches.open(filter, { peer, signal, onCut });
  } catch (error) {
    throw translate(error);
  }
}

/** Returns what a function does. Throws `resource_exhausted` when a watch is refused. */
export function orExhausted<T>(open: () => T): T {
  try {
    return open();
  } catch (error) {
    throw translate(error);
  }
}

function translate(error: unknown): unknown {
  if (!(error instanceof WatchRefused)) return error;
  return new ConnectError(error.message, Code.ResourceExhausted, undefined, undefined, error);
}
