import { formatJson, parseJson } from '@kplug/protocol';
import { isJsonObject } from '../json.ts';
import type { JsonObject, JsonValue } from '../resource.ts';
import { ApiError, errorOfConnection, errorOfStatus } from './api-error.ts';
import { collectionPath } from './api-path.ts';
import type { ServedKind } from './discovery.ts';
import { LineSplitter } from './json-lines.ts';
import type { Transport } from './transport.ts';

/** Objects to watch. */
export interface WatchRequest {
  served: ServedKind;
  /** Missing for all namespaces. */
  namespace: string | undefined;
  /** Resource version after which the watch starts. */
  resourceVersion: string;
  /** Duration of the watch, in milliseconds. */
  duration: number;
  signal: AbortSignal;
}

/** Event of a watch. */
export interface WatchEvent {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  object: JsonObject;
}

/** Unreadable event of a watch. Its change is lost, so everything has to be listed again. */
export class UnreadableEventError extends Error {
  override readonly name = 'UnreadableEventError';
}

/**
 * Watches the objects of a kind. Fulfilled when the server ends the watch after its duration. A server that sends nothing for a quarter
 * longer counts as unreachable. Rejects with an `ApiError` or an `UnreadableEventError`.
 */
export async function watch(
  transport: Transport,
  { served, namespace, resourceVersion, duration, signal }: WatchRequest,
  { onOpen, onEvent }: { onOpen: () => void; onEvent: (event: WatchEvent) => void },
): Promise<void> {
  const query = new URLSearchParams({
    watch: 'true',
    allowWatchBookmarks: 'true',
    resourceVersion,
    timeoutSeconds: String(Math.max(1, Math.round(duration / 1000))),
  });
  const path = `${collectionPath(served, namespace)}?${query}`;
  const request = { method: 'GET', path, verb: 'watch', resource: served.plural, signal } as const;
  const body = await transport.stream(request, duration * 1.25);
  onOpen();
  const lines = new LineSplitter();
  try {
    for await (const chunk of body) {
      for (const line of lines.push(chunk)) onEvent(readEvent(line));
    }
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof RangeError) throw new UnreadableEventError(error.message, { cause: error });
    throw error instanceof ApiError || error instanceof UnreadableEventError ? error : errorOfConnection(error);
  } finally {
    body.destroy();
  }
}

function readEvent(line: Buffer): WatchEvent {
  let event: JsonValue;
  try {
    event = parseJson(line.toString('utf8')) as JsonValue;
  } catch (cause) {
    throw new UnreadableEventError(`an event that isn't JSON: ${line.toString('utf8', 0, 100)}`, { cause });
  }
  const { type, object } = isJsonObject(event) ? event : {};
  if (!isJsonObject(object))
    throw new UnreadableEventError(`an event without an object: ${line.toString('utf8', 0, 100)}`);
  switch (type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
    case 'BOOKMARK':
      return { type, object };
    case 'ERROR':
      throw errorOfStatus(typeof object.code === 'number' ? object.code : 500, object);
    default:
      throw new UnreadableEventError(`an event of the unknown type ${formatJson(type)}`);
  }
}
