import type { MessageInitShape } from '@bufbuild/protobuf';
import type { WatchPluginsResponseSchema } from '@kplug/protocol';
import { type PluginFilter, watchPlugins } from '../registry/plugin-list.ts';
import type { Registry } from '../registry/registry.ts';

type Response = MessageInitShape<typeof WatchPluginsResponseSchema>;

/** How many changes may wait for a reader that is slow. One that is slower is cut off, and lists anew when it comes back. */
const longestBacklog = 10_000;

/** A watch as a sequence that a reader takes at its own pace. Ends when `signal` is aborted. */
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
    while (!signal.aborted && backlog.length <= longestBacklog) {
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
