import { limits } from '../../limits/limits.ts';
import type { Instance } from '../../registry/instance.ts';
import { keyOf, type ResourceKey } from '../../resources/resource.ts';
import type { FinalizeCause, PluginAnswer, PluginCall } from '../plugin-call.ts';
import { maskText } from './mask-text.ts';
import { type WrittenJson, writeMasked } from './write-masked.ts';

const { maxCallsPerResource, maxResources, maxSize } = limits.recording;

/** Call of an instance of a plugin that ended. */
export interface EndedCall {
  /** Name of the RPC. */
  method: string;
  instance: Instance;
  call: PluginCall;
  /** Missing for `Reconcile`. */
  cause?: FinalizeCause | undefined;
  /** Beginning, in milliseconds since the epoch, and duration in milliseconds. */
  at: number;
  took: number;
  /** Name of the gRPC status code. */
  code: string;
  /** Missing for a failed call. */
  answer?: PluginAnswer;
  /** Message of a failed call. */
  error?: string;
}

/** Recorded call, without secrets. */
export interface RecordedCall {
  plugin: string;
  version: string;
  instanceId: string;
  method: string;
  at: number;
  took: number;
  /** JSON for people; the answer is empty for a failed call. */
  request: string;
  answer: string;
  code: string;
  error: string;
  /** Number of values that are masked. */
  masked: number;
  /** True if the request or the answer is cut. */
  truncated: boolean;
}

/** Records the last calls for each of the resources that were called last, without secrets. Their number and size are limited. */
export class CallRecorder {
  /** Calls by resource, oldest first. The resource that was called least recently is the first one. */
  readonly #calls = new Map<ResourceKey, RecordedCall[]>();
  #size = 0;

  record(ended: EndedCall): void {
    const key = keyOf(ended.call.base);
    const calls = this.#calls.get(key) ?? [];
    this.#calls.delete(key);
    this.#calls.set(key, calls);
    const recorded = recordedOf(ended);
    calls.push(recorded);
    this.#size += sizeOf(recorded);
    const dropped = calls.length > maxCallsPerResource ? calls.shift() : undefined;
    if (dropped) this.#size -= sizeOf(dropped);
    while (this.#size > maxSize || this.#calls.size > maxResources) this.#dropOldest();
  }

  /** Returns the calls for a resource, newest first. */
  of(key: ResourceKey): RecordedCall[] {
    return (this.#calls.get(key) ?? []).toReversed();
  }

  #dropOldest(): void {
    const [oldest] = this.#calls;
    if (!oldest) return;
    const [key, calls] = oldest;
    this.#calls.delete(key);
    for (const call of calls) this.#size -= sizeOf(call);
  }
}

function recordedOf({ method, instance, call, cause, at, took, code, answer, error = '' }: EndedCall): RecordedCall {
  const { plugin, version, instanceId } = instance.registration;
  const request = writeMasked(requestOf(call, cause));
  const answered = answer ? writeMasked(answerOf(answer)) : nothing;
  const shown = maskText(error);
  return {
    ...{ plugin, version, instanceId, method, at, took, code },
    ...{ request: request.text, answer: answered.text, error: shown.text },
    masked: request.masked + answered.masked + shown.masked,
    truncated: request.truncated || answered.truncated,
  };
}

const nothing: WrittenJson = { text: '', masked: 0, truncated: false };

/** Returns the content of a request, as plugins see it, but without what only transports it. */
function requestOf(call: PluginCall, cause: FinalizeCause | undefined): object {
  const { base, extensions, dependents, required, assignment, operation, attempt } = call;
  return { base, extensions, dependents, required, assignment, operation, cause, context: { attempt } };
}

/** Returns what an answer says: neither empty lists nor empty fields. */
function answerOf(answer: PluginAnswer): object {
  const { dependents, ...rest } = answer;
  const fields = { ...rest, dependents: dependents && { ...dependents } };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => !isEmpty(value)));
}

function isEmpty(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  return value === undefined || (value instanceof Map && value.size === 0);
}

/** Size of a recorded call in bytes. Texts beyond Latin-1 take two bytes for each character. */
function sizeOf({ request, answer, error }: RecordedCall): number {
  return 2 * (request.length + answer.length + error.length) + 500;
}
