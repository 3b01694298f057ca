import type { PluginProgress } from '../../clients/plugin-call.ts';
import { limits } from '../../limits/limits.ts';
import { PluginName } from '../../names.ts';
import { formatTime } from '../../resources/conditions.ts';
import { cutText } from '../../resources/cut-text.ts';
import { isJsonObject } from '../../resources/json.ts';
import type { JsonObject, JsonValue, Resource } from '../../resources/resource.ts';
import { hashContent } from './hash-content.ts';

const { maxTokenSize, maxProgressMessageLength } = limits.calls;

/** Operation of a plugin for a base that takes longer than a call. */
export interface Operation extends PluginProgress {
  plugin: PluginName;
  /** Generation of the base in the call whose answer reported the token first. */
  generation: number;
  /** Hash of the content of the base in that call. Kinds without generations have another one after each restart of the operator. */
  content: string;
  /** Time of that answer, in RFC 3339. */
  since: string;
  /** True if the call was one of Finalize. */
  finalizing: boolean;
}

/** Field of a base's status that lists the operations. */
export const operationsField = 'operationsInProgress';

/** Reads the operations of a base from its status, which some users may write. Malformed entries are left out. */
export function readOperations({ status }: Resource): Operation[] {
  const listed = status?.[operationsField];
  if (!Array.isArray(listed)) return [];
  return listed.flatMap((entry) => {
    const { plugin, generation, content, since, finalizing, ...progress } = isJsonObject(entry) ? entry : {};
    if (typeof plugin !== 'string' || typeof generation !== 'number' || typeof content !== 'string') return [];
    if (typeof since !== 'string' || Number.isNaN(Date.parse(since))) return [];
    const started = { plugin: new PluginName(plugin), generation, content, since, finalizing: finalizing === true };
    return [{ ...started, ...readProgress(progress) }];
  });
}

function readProgress({ percentage, message, token }: JsonObject): PluginProgress {
  const isPercentage = typeof percentage === 'number' && Number.isInteger(percentage);
  return {
    percentage: isPercentage && percentage >= 0 && percentage <= 100 ? percentage : undefined,
    message: typeof message === 'string' ? cutText(message, maxProgressMessageLength) : '',
    token: typeof token === 'string' && Buffer.byteLength(token) <= maxTokenSize ? token : '',
  };
}

/** Writes operations for the status of their base. */
export function writeOperations(operations: readonly Operation[]): JsonValue[] {
  return operations.map((operation): JsonObject => {
    const { plugin, percentage, message, token, generation, content, since, finalizing } = operation;
    return {
      plugin: plugin.text,
      ...(percentage !== undefined && { percentage }),
      ...(message && { message }),
      ...(token && { token }),
      generation,
      content,
      since,
      ...(finalizing && { finalizing }),
    };
  });
}

/** Returns an operation after an answer about its progress. It goes on if its token is the same, and is another one if not. */
export function continueOperation(
  former: Operation | undefined,
  progress: PluginProgress,
  started: Omit<Operation, keyof PluginProgress | 'since'>,
  now: Date = new Date(),
): Operation {
  const isSame = former?.token === progress.token && former.finalizing === started.finalizing;
  const { generation, content, since } = isSame ? former : { ...started, since: formatTime(now) };
  const message = cutText(progress.message, maxProgressMessageLength);
  return { ...progress, ...started, message, generation, content, since };
}

/** Reports whether an operation is no longer wanted: the spec changed since it began, or the base is finalized and it began before. */
export function isCancelled(operation: Operation, base: Resource, isFinalizing: boolean): boolean {
  const { generation, content, finalizing } = operation;
  if (finalizing !== isFinalizing) return true;
  return !isFinalizing && generation !== base.metadata.generation && content !== hashContent(base);
}

/** Describes progress for people: `40 % done: copied 3 of 8 tables`. */
export function describeProgress({ percentage, message }: PluginProgress): string {
  const state = percentage === undefined ? 'in progress' : `${percentage} % done`;
  return message ? `${state}: ${message}` : state;
}
