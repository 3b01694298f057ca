import type { Message, MessageInitShape } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import {
  ConditionStatus,
  EventType,
  FinalizeCause,
  type FinalizeRequest,
  type FinalizeResponseSchema,
  Outcome,
  type ReconcileRequest,
  type ReconcileResponseSchema,
  Severity,
} from '@kplug/protocol';
import type { Logger } from 'pino';
import { ReceivedDependents } from './dependents.ts';
import type {
  ApiImplementation,
  ExtensionShapes,
  FinalizeResult,
  PluginCondition,
  PluginEvent,
  Received,
  ReconcileInput,
  ReconcileResult,
  Remark,
  ResourceShape,
} from './plugin.ts';
import { PluginError } from './plugin-error.ts';
import { applySchema, decodeResource, ExtensionSet, type Misfit } from './resources.ts';

/** What answers to both calls have in common. */
export type FinalizeAnswer = Exclude<MessageInitShape<typeof FinalizeResponseSchema>, Message>;
export type ReconcileAnswer = Exclude<MessageInitShape<typeof ReconcileResponseSchema>, Message>;
type Input = ReconcileInput<ResourceShape, ExtensionShapes>;

/** What a request becomes for the author's function, or what is wrong with it. */
type Prepared = { input: Input; extensions: ExtensionSet } | { misfits: Misfit[] };

const withoutSchemas: Pick<ApiImplementation, 'base' | 'extensions'> = {};

const encoder = new TextEncoder();

/** What answers the calls of a plugin, whichever way they come. The signal is aborted when nobody waits any more. */
export interface PluginHandlers {
  reconcile(request: ReconcileRequest, signal: AbortSignal): Promise<ReconcileAnswer>;
  finalize(request: FinalizeRequest, signal: AbortSignal): Promise<FinalizeAnswer>;
}

/** Answers the calls of `kplug.v1.PluginService` by a definition's functions. */
export function pluginHandlers(definition: ApiImplementation, log: Logger): PluginHandlers {
  return {
    reconcile: (request, signal) =>
      answering(log, request, signal, async (): Promise<ReconcileAnswer> => {
        const prepared = await prepare(request, signal, definition, log);
        if ('misfits' in prepared) return describeMisfits(prepared.misfits);
        const result = (await definition.reconcile(prepared.input)) ?? {};
        return { ...encodeResult(result, prepared.extensions), ...encodeStatuses(result, prepared.extensions) };
      }),

    finalize: (request, signal) =>
      answering(log, request, signal, async (): Promise<FinalizeAnswer> => {
        if (!definition.finalize) return { outcome: Outcome.SUCCESS };
        const fitting = await prepare(request, signal, definition, log);
        // It may have fitted once and been edited since: what was made then has to be undone all the same.
        const prepared = 'misfits' in fitting ? await prepare(request, signal, withoutSchemas, log) : fitting;
        if ('misfits' in prepared) return describeMisfits(prepared.misfits);
        const cause = request.cause === FinalizeCause.HANDED_OVER ? 'handedOver' : 'deleted';
        const result = (await definition.finalize({ ...prepared.input, cause })) ?? {};
        return encodeResult(result, prepared.extensions);
      }),
  };
}

async function prepare(
  { base, extensions, dependents, assignment, context }: ReconcileRequest | FinalizeRequest,
  signal: AbortSignal,
  definition: Pick<ApiImplementation, 'base' | 'extensions'>,
  log: Logger,
): Promise<Prepared> {
  const misfits: Misfit[] = [];
  const found = new ExtensionSet();
  const checkedBase = await applySchema(decodeResource(base), definition.base, '');
  if ('misfit' in checkedBase) misfits.push(checkedBase.misfit);
  for (const [key, extension] of Object.entries(extensions).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const decoded = decodeResource(extension);
    const checked = await applySchema(decoded, definition.extensions?.[decoded.kind], key);
    if ('misfit' in checked) misfits.push(checked.misfit);
    else found.add(key, checked.resource);
  }
  if (misfits.length > 0 || !('resource' in checkedBase)) return { misfits };

  const { resource } = checkedBase;
  const { delegation = '', api = '', apiVersion = '', reason = '', message = '' } = assignment ?? {};
  const input: Input = {
    base: resource,
    extensions: found,
    dependents: new ReceivedDependents(dependents),
    assignment: { delegation, api, apiVersion, reason, message },
    attempt: context?.attempt ?? 1,
    signal,
    get log() {
      return log.child({ resource: `${resource.kind} ${resource.metadata.namespace ?? ''}/${resource.metadata.name}` });
    },
  };
  return { input, extensions: found };
}

/** Turns what the author's function throws into an answer: a failure is an answer too, with a reason for the user. */
async function answering<A extends FinalizeAnswer>(
  log: Logger,
  request: ReconcileRequest | FinalizeRequest,
  signal: AbortSignal,
  answer: () => Promise<A>,
): Promise<A | FinalizeAnswer> {
  try {
    return await answer();
  } catch (error) {
    if (!(error instanceof PluginError)) {
      // Nobody waits any more, and giving up is what was asked for.
      const level = signal.aborted ? 'debug' : 'error';
      log[level]({ err: error, attempt: request.context?.attempt }, 'the call failed with an unexpected error');
      return failure(Outcome.RETRY, 'PluginError', error instanceof Error ? error.message : String(error));
    }
    const outcome = error.code === 'Terminal' ? Outcome.TERMINAL : Outcome.RETRY;
    const answered = failure(outcome, error.reason, error.message);
    return error.retryAfter === undefined ? answered : { ...answered, retryAfter: durationFromMs(error.retryAfter) };
  }
}

function failure(outcome: Outcome, reason: string, text: string): FinalizeAnswer {
  return { outcome, messages: [{ severity: Severity.ERROR, reason, text, target: '' }] };
}

function describeMisfits(misfits: readonly Misfit[]): ReconcileAnswer {
  const messages = misfits.map(({ text, target }) => ({
    severity: Severity.ERROR,
    reason: 'InvalidSpec',
    text,
    target,
  }));
  return { outcome: Outcome.TERMINAL, messages };
}

function encodeResult({ messages = [], events = [] }: FinalizeResult, extensions: ExtensionSet): FinalizeAnswer {
  return {
    outcome: Outcome.SUCCESS,
    messages: messages.map((remark) => encodeRemark(remark, extensions)),
    events: events.map((event) => encodeEvent(event, extensions)),
  };
}

function encodeStatuses(result: ReconcileResult, extensions: ExtensionSet): ReconcileAnswer {
  const statuses: Record<string, Uint8Array> = {};
  for (const { extension, status } of result.extensions ?? []) {
    statuses[targetOf(extension, extensions)] = encodeJson(status);
  }
  return {
    ...(result.status ? { baseStatus: encodeJson(result.status) } : {}),
    extensionStatuses: statuses,
    conditions: (result.conditions ?? []).map(encodeCondition),
    ...(result.requeueAfter === undefined ? {} : { requeueAfter: durationFromMs(result.requeueAfter) }),
    ...(result.dependents && { dependents: { items: result.dependents.map(encodeJson) } }),
  };
}

const severities = { info: Severity.INFO, warning: Severity.WARNING, error: Severity.ERROR } as const;

function encodeRemark({ severity = 'info', reason, text, extension }: Remark, extensions: ExtensionSet) {
  return { severity: severities[severity], reason, text, target: targetOf(extension, extensions) };
}

function encodeEvent({ type = 'Normal', reason, message, extension }: PluginEvent, extensions: ExtensionSet) {
  const encoded = type === 'Warning' ? EventType.WARNING : EventType.NORMAL;
  return { type: encoded, reason, message, target: targetOf(extension, extensions) };
}

function encodeCondition({ type, status, reason, message = '' }: PluginCondition) {
  const holds = status ? ConditionStatus.TRUE : ConditionStatus.FALSE;
  return { type, status: status === 'Unknown' ? ConditionStatus.UNKNOWN : holds, reason, message };
}

function targetOf(extension: Received<ResourceShape> | undefined, extensions: ExtensionSet): string {
  if (!extension) return '';
  const key = extensions.keyOf(extension);
  if (key !== undefined) return key;
  const name = `${extension.kind} ${extension.metadata.name}`;
  throw new PluginError(
    'Retry',
    `the plugin returned something for ${name}, which isn't one of the extensions it was given`,
  );
}

function encodeJson(value: object): Uint8Array {
  return encoder.encode(JSON.stringify(value));
}
