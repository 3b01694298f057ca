import type { MessageInitShape } from '@bufbuild/protobuf';
import type { WatchPluginsResponseSchema } from '@kplug/protocol';
import { limits } from '../limits/limits.ts';
import { type PluginFilter, watchPlugins } from '../registry/plugin-list.ts';
import type { Registry } from '../registry/registry.ts';

type Response = MessageInitShape<typeof WatchPluginsResponseSchema>;

/** Largest number of changes that wait for a slow reader. The watch of a slower one ends, and the reader lists again. */
const { maxBacklog } = limits.admin;

/** Watches plugins as a sequence that a reader consumes at its own pace, until `signal` is aborted. */
export async function* watchOverConnect(
  registry: Registry,
  filter: PluginFilter,
  signal: AbortSignal,
): AsyncGenerator<Response> {
  const backlog: Response[] = [];
  let wake: () => void = () => undefined;
  const stop = watchPlugins(registry, filter, (response) => {
    backlog.push(response);
    wake();
  });
  const onAbort = () => wake();
  signal.addEventListener('abort', onAbort);
  try {
    while (!signal.aborted && backlog.length <= maxBacklog) {
      yield* backlog.splice(0);
      if (backlog.length > 0 || signal.aborted) continue;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    stop();
  }
}
