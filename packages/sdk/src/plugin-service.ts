import type { MessageInitShape, Message as ProtobufMessage } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import {
  ConditionStatus,
  EventType,
  FinalizeCause,
  type FinalizeRequest,
  Outcome,
  type ReconcileRequest,
  type ReconcileResponseSchema,
  Severity,
} from '@kplug/protocol';
import type { Logger } from 'pino';
import { answering } from './answering.ts';
import { ReceivedDependents } from './dependents.ts';
import { encodeDependents } from './encode-dependents.ts';
import { encodeJson } from './encode-json.ts';
import type { FinalizeAnswer } from './finalize-answer.ts';
import type {
  ApiImplementation,
  ExtensionShapes,
  FinalizeResult,
  Message,
  PluginCondition,
  PluginEvent,
  Received,
  ReconcileInput,
  ReconcileResult,
  ResourceShape,
} from './plugin.ts';
import { PluginError } from './plugin-error.ts';
import { decodeOperation, encodeProgress, progressMessage } from './progress.ts';
import { encodeRequirements, ReceivedRequired } from './requirements.ts';
import { ResourceLocks } from './resource-locks.ts';
import { applySchema, decodeResource, ExtensionSet, type SchemaViolation } from './resources.ts';

export type ReconcileAnswer = Exclude<MessageInitShape<typeof ReconcileResponseSchema>, ProtobufMessage>;
type Input = ReconcileInput<ResourceShape, ExtensionShapes>;

/** Input of the author's function, or the reasons why the request is invalid. */
type Prepared = { input: Input; extensions: ExtensionSet; uid: string | undefined } | { violations: SchemaViolation[] };

const withoutSchemas: Pick<ApiImplementation, 'base' | 'extensions'> = {};

/** Functions that answer the calls of a plugin, over any transport. The signal is aborted when the caller no longer waits. */
export interface PluginHandlers {
  reconcile(request: ReconcileRequest, signal: AbortSignal): Promise<ReconcileAnswer>;
  finalize(request: FinalizeRequest, signal: AbortSignal): Promise<FinalizeAnswer>;
}

/**
 * Makes handlers that answer calls by the functions of a definition.
 *
 * @param locks of the resources that these and other handlers are called for.
 */
export function pluginHandlers(
  definition: ApiImplementation,
  log: Logger,
  locks: ResourceLocks = new ResourceLocks(),
): PluginHandlers {
  return {
    reconcile: (request, signal) =>
      answering('Reconcile', { log, request, signal }, async (span): Promise<ReconcileAnswer> => {
        const prepared = await prepare(request, signal, definition, log);
        if ('violations' in prepared) return describeViolations(prepared.violations);
        const { input, uid } = prepared;
        span.isFor(input.base);
        const result = (await locks.run(uid, signal, () => definition.reconcile(input))) ?? {};
        const requirements = encodeRequirements(result.require ?? {}, supportsRequirements(request));
        return {
          ...encodeResult(result, prepared.extensions),
          ...encodeStatuses(result, prepared.extensions),
          requirements,
        };
      }),

    finalize: (request, signal) =>
      answering('Finalize', { log, request, signal }, async (span): Promise<FinalizeAnswer> => {
        const { finalize } = definition;
        if (!finalize) return { outcome: Outcome.SUCCESS };
        const valid = await prepare(request, signal, definition, log);
        // A resource that was valid once and edited since must be finalized too.
        const prepared = 'violations' in valid ? await prepare(request, signal, withoutSchemas, log) : valid;
        if ('violations' in prepared) return describeViolations(prepared.violations);
        const cause = request.cause === FinalizeCause.HANDED_OVER ? 'handedOver' : 'deleted';
        const { input, uid } = prepared;
        span.isFor(input.base);
        const result = (await locks.run(uid, signal, () => finalize.call(definition, { ...input, cause }))) ?? {};
        return { ...encodeResult(result, prepared.extensions), ...encodeUnfinished(result, request) };
      }),
  };
}

async function prepare(
  { base, extensions, dependents, required, assignment, operation, context }: ReconcileRequest | FinalizeRequest,
  signal: AbortSignal,
  definition: Pick<ApiImplementation, 'base' | 'extensions'>,
  log: Logger,
): Promise<Prepared> {
  const violations: SchemaViolation[] = [];
  const found = new ExtensionSet();
  const decodedBase = decodeResource(base);
  const checkedBase = await applySchema(decodedBase, definition.base, '');
  if ('violation' in checkedBase) violations.push(checkedBase.violation);
  for (const [key, extension] of Object.entries(extensions).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const decoded = decodeResource(extension);
    const checked = await applySchema(decoded, definition.extensions?.[decoded.kind], key);
    if ('violation' in checked) violations.push(checked.violation);
    else found.add(key, checked.resource);
  }
  if (violations.length > 0 || !('resource' in checkedBase)) return { violations };

  const { resource } = checkedBase;
  const { delegation = '', api = '', apiVersion = '', reason = '', message = '' } = assignment ?? {};
  const input: Input = {
    base: resource,
    extensions: found,
    dependents: new ReceivedDependents(dependents),
    required: new ReceivedRequired(required),
    assignment: { delegation, api, apiVersion, reason, message },
    capability: capabilityOf(assignment),
    operation: decodeOperation(operation),
    attempt: context?.attempt ?? 1,
    signal,
    get log() {
      return log.child({ resource: `${resource.kind} ${resource.metadata.namespace ?? ''}/${resource.metadata.name}` });
    },
  };
  return { input, extensions: found, uid: uidOf(decodedBase) };
}

function supportsRequirements({ context }: ReconcileRequest | FinalizeRequest): boolean {
  return context?.supportsRequirements ?? false;
}

/** Encodes what a plugin requires to finalize. The work isn't done until the call brings it. */
function encodeUnfinished({ require = {} }: FinalizeResult, request: FinalizeRequest): Partial<FinalizeAnswer> {
  const names = Object.keys(require);
  const isUnfinished = names.some((name) => !Object.hasOwn(request.required, name));
  if (!isUnfinished) return {};
  const requirements = encodeRequirements(require, supportsRequirements(request));
  const text = `the plugin requires further resources: ${names.join(', ')}`;
  const message = { severity: Severity.INFO, reason: 'RequiresResources', text, target: '' };
  return { outcome: Outcome.RETRY, requirements, messages: [message] };
}

/** Returns the capability of a call without the fields that its message has besides. */
function capabilityOf(assignment: ReconcileRequest['assignment']): ReconcileInput['capability'] {
  if (!assignment?.capability) return undefined;
  const { category, type, version, previousVersion } = assignment.capability;
  return { category, type, version, previousVersion };
}

/** Returns the uid of a resource, before a schema may leave it out. */
function uidOf({ metadata }: Received<ResourceShape>): string | undefined {
  const { uid }: { uid?: unknown } = metadata ?? {};
  return typeof uid === 'string' ? uid : undefined;
}

function describeViolations(violations: readonly SchemaViolation[]): ReconcileAnswer {
  const messages = violations.map(({ text, target }) => ({
    severity: Severity.ERROR,
    reason: 'InvalidSpec',
    text,
    target,
  }));
  return { outcome: Outcome.TERMINAL, messages };
}

function encodeResult(
  { messages = [], events = [], progress }: FinalizeResult,
  extensions: ExtensionSet,
): FinalizeAnswer {
  const encoded = messages.map((message) => encodeMessage(message, extensions));
  return {
    outcome: Outcome.SUCCESS,
    events: events.map((event) => encodeEvent(event, extensions)),
    ...(progress && encodeProgress(progress)),
    messages: progress ? [...encoded, progressMessage(progress)] : encoded,
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
    ...(result.validFor === undefined || result.progress ? {} : { validFor: durationFromMs(result.validFor) }),
    ...(result.dependents && { dependents: encodeDependents(result.dependents) }),
  };
}

const severities = { info: Severity.INFO, warning: Severity.WARNING, error: Severity.ERROR } as const;

function encodeMessage({ severity = 'info', reason, text, extension }: Message, extensions: ExtensionSet) {
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
    `the plugin returned a status, message or Event for ${name}, which is not an extension of this call`,
  );
}
