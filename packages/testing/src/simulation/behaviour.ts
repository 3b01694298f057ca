import type { JsonObject, JsonValue } from '@kplug/controller';
import { type FinalizeCause, type PluginAnswer, type PluginCall, plainSuccess } from '@kplug/controller/internal';
import { views } from './kinds.ts';

/**
 * Behaviour of a plugin in its calls. Times in milliseconds.
 *
 * - `works`: answers with success after `delay`.
 * - `eager`: answers with success, and requests the next call after `requeueAfter`.
 * - `retries`: answers that the call is to be retried, after `retryAfter` or with back-off.
 * - `gives up`: answers that retrying is pointless.
 * - `throws`: the call ends with a gRPC error.
 * - `babbles`: the answer is invalid.
 * - `floods`: the answer is too large.
 * - `oversteps`: requests a dependent of a kind that the delegation doesn't allow.
 * - `hangs`: doesn't answer.
 */
export type Behaviour =
  | { type: 'works'; delay: number }
  | { type: 'eager'; requeueAfter: number }
  | { type: 'retries'; retryAfter: number | undefined }
  | { type: 'gives up' | 'throws' | 'babbles' | 'floods' | 'oversteps' | 'hangs' };

/** Request that a process has received. */
export interface PluginRequest {
  id: number;
  call: PluginCall;
  cause: FinalizeCause | undefined;
}

/** Answers as a plugin that works: with all that it saw. */
export function answerOf({ id, call, cause }: PluginRequest, by: string): PluginAnswer {
  const event = { type: 'Normal', reason: 'Called', message: `call ${id}`, target: undefined } as const;
  if (cause) return { ...plainSuccess, events: [event] };
  const { base, extensions } = call;
  const sizes: JsonObject = {};
  for (const { metadata, spec } of extensions.values()) sizes[metadata.name] = spec?.size;
  return {
    ...plainSuccess,
    baseStatus: { way: 'replace', fields: { ...expectedFields(base.spec ?? {}, sizes), by } },
    extensionStatuses: new Map(
      [...extensions.keys()].map((key) => [key, { way: 'replace', fields: { usedBy: { [base.metadata.name]: by } } }]),
    ),
    dependents: { items: expectedViews(base.metadata.name, base.spec ?? {}), rules: new Map() },
    events: [event],
  };
}

/** Fields of a status that a plugin returns for a spec and the sizes of its extensions. */
export function expectedFields({ rows }: JsonObject, sizes: JsonObject): JsonObject {
  return { rows: rows as JsonValue, sizes };
}

/** Dependents that a plugin requests. */
export function expectedViews(name: string, { rows, views: count }: JsonObject): JsonObject[] {
  return Array.from({ length: Number(count) }, (_, index) => ({
    ...views,
    metadata: { name: `${name}-${index}` },
    spec: { rows: rows as JsonValue },
  }));
}

/** Answers without success. */
export function failureOf(behaviour: Behaviour, { id }: PluginRequest): PluginAnswer {
  const message = { severity: 'error', reason: 'Scripted', text: `call ${id} failed`, target: undefined } as const;
  if (behaviour.type === 'retries')
    return { ...plainSuccess, outcome: 'retry', retryAfter: behaviour.retryAfter, messages: [message] };
  return { ...plainSuccess, outcome: 'terminal', messages: [message] };
}
