import type { MessageInitShape } from '@bufbuild/protobuf';
import type { WatchPluginsResponseSchema } from '@kplug/protocol';
import { limits } from '../limits/limits.ts';
import { Pace } from '../queue/slices.ts';
import { instanceMessage } from './instance-message.ts';
import { matcherOf, type PluginFilter } from './plugin-list.ts';
import type { Registry } from './registry.ts';

type Response = MessageInitShape<typeof WatchPluginsResponseSchema>;

/** Largest number of changes that wait for a slow reader. The watch of a slower one ends, and the reader lists again. */
const { maxBacklog } = limits.admin;

/**
 * Watches instances: yields the known ones, `synced`, and then each change, at the pace of the reader, until `signal` is aborted. An
 * instance that changes before `synced` may be yielded twice, the newer state last.
 *
 * @param message composes the message about an instance. Default: with all details, for the operator's users.
 */
export async function* watchPlugins(
  registry: Registry,
  filter: PluginFilter,
  signal: AbortSignal,
  message = instanceMessage,
): AsyncGenerator<Response> {
  const matches = matcherOf(filter);
  const backlog: Response[] = [];
  let wake: () => void = () => undefined;
  const stop = registry.subscribe(({ instance }) => {
    if (!matches(instance)) return;
    backlog.push({ event: { case: 'instance', value: message(instance) } });
    wake();
  });
  const onAbort = () => wake();
  signal.addEventListener('abort', onAbort);
  try {
    const pace = new Pace();
    for (const instance of registry.instances()) {
      if (signal.aborted || backlog.length > maxBacklog) return;
      if (matches(instance)) yield { event: { case: 'instance', value: message(instance) } };
      if (pace.isOver()) await pace.pause();
    }
    yield { event: { case: 'synced', value: {} } };
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
