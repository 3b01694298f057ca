import { create, type DescMessage, type MessageInitShape, type MessageShape, toBinary } from '@bufbuild/protobuf';
import {
  FinalizeRequestSchema,
  FinalizeResponseSchema,
  messageOf,
  Outcome,
  ReconcileRequestSchema,
  ReconcileResponseSchema,
  readMessage,
  Severity,
} from '@kplug/protocol';
import { type Logger, pino } from 'pino';
import { answerCalls } from '../api-handlers.ts';
import type { MultiApiPlugin, Plugin } from '../define-plugin.ts';
import { type ApiPart, partsOf, type RegisteredApi } from '../definition.ts';
import { limits } from '../limits.ts';
import type { ApiImplementation, ExtensionShapes, PluginDefinition, ResourceShape } from '../plugin.ts';
import { buildFinalizeRequest, buildReconcileRequest } from './build-request.ts';
import { invalidInput } from './complete-resource.ts';
import { readFinalizeAnswer, readReconcileAnswer } from './read-answer.ts';
import type { FinalizeTestInput, ReconcileTestInput } from './test-input.ts';
import type { FinalizeTestResult, ReconcileTestResult } from './test-result.ts';

/** Options of `testPlugin`. */
export interface PluginTestOptions {
  /** API to call, as `Name` or `Name@1.0.0`. Default: the only one, or the first one of a plugin that treats several alike. */
  api?: string;
  /** Logger of the plugin. Default: none. `thrown` of a result has the error of an unexpected failure. */
  log?: Logger;
  /** Largest answer, in bytes. Default 4 MiB, as when the plugin is served. */
  maxAnswerSize?: number;
}

type AnswerSchema = typeof ReconcileResponseSchema | typeof FinalizeResponseSchema;
type Call<S extends AnswerSchema> = (signal: AbortSignal) => Promise<MessageInitShape<S>>;

/** Plugin in a test. The functions need no `this`. */
export interface PluginTest<B extends ResourceShape = ResourceShape, E extends ExtensionShapes = ExtensionShapes> {
  /** Calls `reconcile`. A failure of the plugin is a result, too. Rejects with `InvalidInput` if the input is invalid. */
  readonly reconcile: (input?: ReconcileTestInput<B, E>) => Promise<ReconcileTestResult>;
  /** Calls `finalize`. A failure of the plugin is a result, too. Rejects with `InvalidInput` if the input is invalid. */
  readonly finalize: (input?: FinalizeTestInput<B, E>) => Promise<FinalizeTestResult>;
}

/**
 * Calls a plugin in the process of a test as an operator does, but without a socket: resources are encoded and validated by the schemas of the
 * plugin, errors become outcomes, and answers are encoded and their size is limited. Throws a `PluginError` with the code `InvalidInput`.
 *
 *     const { reconcile } = testPlugin(plugin);
 *     const { status } = await reconcile({ base: { spec: { who: 'World' } } });
 */
export function testPlugin<B extends ResourceShape = ResourceShape, E extends ExtensionShapes = ExtensionShapes>(
  plugin: Plugin<B, E> | MultiApiPlugin,
  options: PluginTestOptions = {},
): PluginTest<B, E> {
  const { log = pino({ level: 'silent' }), maxAnswerSize = limits.serving.maxAnswerSize } = options;
  const thrown = new WeakMap<AbortSignal, unknown>();
  const parts = readPlugin(plugin).map((part) => recordThrown(part, thrown));
  const api = findApi(parts, options.api);
  const handlers = answerCalls(parts, log, maxAnswerSize);
  const receive = <S extends AnswerSchema>(schema: S, given: AbortSignal | undefined, call: Call<S>) =>
    receiveAnswer(schema, given, call, thrown);
  return {
    reconcile: async (input = {}) => {
      const { request, extensionNames } = buildReconcileRequest(api, input as FinalizeTestInput);
      const sent = transfer(ReconcileRequestSchema, request);
      const call = (signal: AbortSignal) => handlers.reconcile(sent, signal);
      const { answer, error } = await receive(ReconcileResponseSchema, input.signal, call);
      return readReconcileAnswer(answer, extensionNames, error);
    },
    finalize: async (input = {}) => {
      const { request, extensionNames } = buildFinalizeRequest(api, input as FinalizeTestInput);
      const sent = transfer(FinalizeRequestSchema, request);
      const call = (signal: AbortSignal) => handlers.finalize(sent, signal);
      const { answer, error } = await receive(FinalizeResponseSchema, input.signal, call);
      return readFinalizeAnswer(answer, extensionNames, error);
    },
  };
}

function readPlugin(plugin: { readonly definition?: unknown }): ApiPart[] {
  const { definition }: { definition?: unknown } = plugin ?? {};
  if (typeof definition !== 'object' || definition === null)
    throw invalidInput('testPlugin needs a plugin that definePlugin or defineCapability made, before it is served');
  return partsOf(definition as PluginDefinition);
}

/** Returns the API to call. Throws `InvalidInput` if the plugin does not implement it, or if it is one of several. */
function findApi(parts: readonly ApiPart[], wanted: string | undefined): RegisteredApi {
  const apis = parts.flatMap((part) => part.apis);
  const names = apis.map(({ name, version }) => `${name}@${version}`).join(', ');
  const [first] = apis;
  if (wanted === undefined) {
    if (parts.length === 1 && first) return first;
    throw invalidInput(
      `the plugin implements ${names}; write which one to call, as in testPlugin(plugin, { api: '${first?.name}' })`,
    );
  }
  const found = apis.find(({ name, version }) => wanted === name || wanted === `${name}@${version}`);
  if (!found) throw invalidInput(`the plugin doesn't implement the API "${wanted}"; it implements ${names}`);
  return found;
}

/** Records what the functions of an implementation throw, by the signal of the call. */
function recordThrown(part: ApiPart, thrown: WeakMap<AbortSignal, unknown>): ApiPart {
  const { implementation } = part;
  const { finalize } = implementation;
  const recorded = async <T>(signal: AbortSignal, work: () => T | Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      thrown.set(signal, error);
      throw error;
    }
  };
  const recording: ApiImplementation = {
    ...implementation,
    reconcile: (input) => recorded(input.signal, () => implementation.reconcile(input)),
    ...(finalize && { finalize: (input) => recorded(input.signal, () => finalize.call(implementation, input)) }),
  };
  return { ...part, implementation: recording };
}

/** Makes a call and receives its answer. An answer that can't be encoded becomes the failure that an operator would make of it. */
async function receiveAnswer<S extends AnswerSchema>(
  schema: S,
  given: AbortSignal | undefined,
  call: Call<S>,
  thrown: WeakMap<AbortSignal, unknown>,
): Promise<{ answer: MessageShape<S>; error: unknown }> {
  // A signal of this call only identifies it.
  const signal = given ? AbortSignal.any([given]) : new AbortController().signal;
  try {
    return { answer: transfer(schema, await call(signal)), error: thrown.get(signal) };
  } catch (error) {
    const text = `the answer of the plugin can't be encoded: ${messageOf(error)}`;
    const message = { severity: Severity.ERROR, reason: 'PluginFailed', text, target: '' };
    return {
      answer: create<AnswerSchema>(schema, { outcome: Outcome.RETRY, messages: [message] }) as MessageShape<S>,
      error,
    };
  }
}

/** Encodes and decodes a message, as a transport does. */
function transfer<S extends DescMessage>(schema: S, message: MessageInitShape<S>): MessageShape<S> {
  return readMessage(schema, toBinary(schema, create(schema, message)));
}
