import { durationMs, timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  type Condition,
  ConditionStatus,
  DependentPolicy,
  type DependentRules as DependentRulesV1,
  type Dependents,
  type Event,
  EventType,
  FinalizeCause as FinalizeCauseV1,
  type FinalizeResponse,
  formatJson,
  type Message,
  Outcome as OutcomeV1,
  parseJson,
  type ReconcileResponse,
  Severity,
} from '@kplug/protocol';
import { KplugError, messageOf } from '../../errors.ts';
import { limits } from '../../limits/limits.ts';
import { isControllerCondition } from '../../resources/conditions.ts';
import { cutText } from '../../resources/cut-text.ts';
import type { Resource, ResourceKey } from '../../resources/resource.ts';
import { checkText, quoteText } from '../answer-text.ts';
import { boundEvents } from '../bound-events.ts';
import { checkStatus } from '../check-status.ts';
import type {
  DependentRules,
  FinalizeCause,
  Outcome,
  PluginAnswer,
  PluginCall,
  PluginCondition,
  PluginEvent,
  PluginMessage,
  RequestedDependents,
  StatusChange,
} from '../plugin-call.ts';
import { AnswerBounds } from './answer-bounds.ts';
import { decodeProgress, encodeOperation } from './progress.ts';
import { decodeRequirements } from './requirements.ts';

/** Encodes a call as a `kplug.v1` request. */
export function encodeCall(call: PluginCall, deadline: number) {
  return {
    base: { json: encode(call.base) },
    extensions: encodeAll(call.extensions),
    dependents: encodeAll(call.dependents),
    required: Object.fromEntries(
      [...call.required].map(([name, resources]) => [name, { items: resources.map((one) => ({ json: encode(one) })) }]),
    ),
    assignment: call.assignment,
    ...(call.operation && { operation: encodeOperation(call.operation) }),
    context: { attempt: call.attempt, deadline: timestampFromMs(deadline), supportsRequirements: true, ...call.trace },
  };
}

/** Encodes the reason for finalizing. */
export function encodeCause(cause: FinalizeCause): FinalizeCauseV1 {
  return cause === 'deleted' ? FinalizeCauseV1.DELETED : FinalizeCauseV1.HANDED_OVER;
}

/** Decodes and checks a response to `Reconcile`. Throws `InvalidResponse`. */
export function decodeReconcile(response: ReconcileResponse, call: PluginCall): PluginAnswer {
  const bounds = new AnswerBounds(call.maxStatusSize);
  const statuses = new Map<ResourceKey, StatusChange>();
  for (const [key, bytes] of Object.entries(response.extensionStatuses)) {
    if (!call.extensions.has(key)) {
      throw invalid(`it returned a status for ${quoteText(key)}, which isn't an extension of this resource`);
    }
    statuses.set(key, decodeStatus(bytes, `the status of ${key}`, bounds));
  }
  const baseStatus = response.baseStatus && decodeStatus(response.baseStatus, "the base's status", bounds);
  const answersStatus = baseStatus !== undefined || response.conditions.length > 0;
  return {
    ...decodeFinalize(response, call),
    ...(response.dependents && { dependents: decodeDependents(response.dependents, bounds) }),
    requeueAfter: response.requeueAfter && delayOf(durationMs(response.requeueAfter), 'requeue_after'),
    validFor: response.validFor && validityOf(durationMs(response.validFor)),
    baseStatus,
    extensionStatuses: statuses,
    conditions: answersStatus
      ? atMost(limits.calls.maxConditions, response.conditions, 'conditions').map(decodeCondition)
      : undefined,
  };
}

/** Decodes and checks a response to `Finalize`. Throws `InvalidResponse`. */
export function decodeFinalize(response: ReconcileResponse | FinalizeResponse, call: PluginCall): PluginAnswer {
  const outcome = outcomes.get(response.outcome);
  if (!outcome) throw invalid('it returned no outcome');
  return {
    outcome,
    progress: response.progress && decodeProgress(response.progress, outcome),
    retryAfter: response.retryAfter && delayOf(durationMs(response.retryAfter), 'retry_after'),
    requeueAfter: undefined,
    messages: atMost(limits.calls.maxMessages, response.messages, 'messages').map((message) =>
      decodeMessage(message, call),
    ),
    baseStatus: undefined,
    extensionStatuses: new Map(),
    conditions: undefined,
    events: boundEvents(
      atMost(limits.calls.maxEvents, response.events, 'events').map((event) => decodeEvent(event, call)),
    ),
    requirements: decodeRequirements(response.requirements),
  };
}

const outcomes = new Map<OutcomeV1, Outcome>([
  [OutcomeV1.SUCCESS, 'success'],
  [OutcomeV1.RETRY, 'retry'],
  [OutcomeV1.TERMINAL, 'terminal'],
]);

const severities = new Map<Severity, PluginMessage['severity']>([
  [Severity.WARNING, 'warning'],
  [Severity.ERROR, 'error'],
]);

const statuses = new Map<ConditionStatus, PluginCondition['status']>([
  [ConditionStatus.TRUE, 'True'],
  [ConditionStatus.FALSE, 'False'],
  [ConditionStatus.UNKNOWN, 'Unknown'],
]);

/** Syntax that Kubernetes requires of the type and the reason of a condition. */
const conditionType = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const conditionReason = /^[A-Za-z]([A-Za-z0-9_,:]{0,1022}[A-Za-z0-9_])?$/;

const policies = new Map<DependentPolicy, DependentRules['policy']>([
  [DependentPolicy.UNSPECIFIED, 'Apply'],
  [DependentPolicy.APPLY, 'Apply'],
  [DependentPolicy.CREATE_ONLY, 'CreateOnly'],
  [DependentPolicy.RECREATE, 'Recreate'],
  [DependentPolicy.OBSERVE, 'Observe'],
]);

const decoder = new TextDecoder('utf-8', { fatal: true });

function encodeAll(resources: ReadonlyMap<ResourceKey, Resource>): Record<string, { json: Uint8Array }> {
  return Object.fromEntries([...resources].map(([key, resource]) => [key, { json: encode(resource) }]));
}

function encode(resource: Resource): Uint8Array {
  return Buffer.from(formatJson(resource));
}

function decodeStatus(bytes: Uint8Array, what: string, bounds: AnswerBounds): StatusChange {
  bounds.checkStatus(bytes, what);
  return { fields: checkStatus(decodeJson(bytes, what), what, 'a JSON object'), way: 'replace' };
}

function decodeDependents({ items, rules }: Dependents, bounds: AnswerBounds): RequestedDependents {
  return {
    items: atMost(limits.delegation.maxDependents, items, 'dependents').map((bytes, index) => {
      bounds.checkDependent(bytes, `dependents[${index}]`);
      const value = decodeJson(bytes, `dependents[${index}]`);
      return checkStatus(value, `dependents[${index}]`, 'a JSON object');
    }),
    rules: new Map(
      atMost(limits.delegation.maxDependents, Object.entries(rules), 'rules of dependents').map(([name, one]) => {
        return [name, decodeRules(one, name)];
      }),
    ),
  };
}

function decodeRules(
  { dependsOn, readyWhen, readyTimeout, includeWhen, policy: encoded, retain }: DependentRulesV1,
  name: string,
): DependentRules {
  const policy = policies.get(encoded);
  if (!policy) throw invalid(`the dependent ${quoteText(name)} has an unknown policy`);
  return {
    dependsOn: atMost(limits.delegation.maxDependents, dependsOn, 'names in depends_on'),
    readyWhen,
    includeWhen,
    readyTimeout: readyTimeout && delayOf(durationMs(readyTimeout), 'ready_timeout'),
    policy,
    retain,
  };
}

function decodeJson(bytes: Uint8Array, what: string): unknown {
  try {
    return parseJson(decoder.decode(bytes));
  } catch (cause) {
    throw invalid(`${what} isn't JSON in UTF-8: ${cutText(messageOf(cause), limits.calls.maxTextLength)}`, cause);
  }
}

function decodeCondition({ type, status, reason, message }: Condition): PluginCondition {
  if (type.length > limits.calls.maxConditionTypeLength || !conditionType.test(type))
    throw invalid(`it returned a condition of the malformed type ${quoteText(type)}`);
  if (isControllerCondition({ type }))
    throw invalid(`it returned the condition ${type}, which is reserved for the controller`);
  const decoded = statuses.get(status);
  if (!decoded) throw invalid(`it returned the condition ${type} without a status`);
  const what = `the condition ${type}`;
  return { type, status: decoded, reason: checkReason(reason, what), message: checkText(message, what) };
}

function decodeMessage({ severity, reason, text, target }: Message, call: PluginCall): PluginMessage {
  return {
    severity: severities.get(severity) ?? 'info',
    reason: checkReason(reason, 'a message'),
    text: checkText(text, `the message ${reason}`),
    target: checkTarget(target, call),
  };
}

function decodeEvent({ type, reason, message, target }: Event, call: PluginCall): PluginEvent {
  return {
    type: type === EventType.WARNING ? 'Warning' : 'Normal',
    reason: checkReason(reason, 'an event'),
    message: checkText(message, `the event ${reason}`),
    target: checkTarget(target, call),
  };
}

function checkReason(reason: string, what: string): string {
  if (!conditionReason.test(reason))
    throw invalid(`${what} has ${quoteText(reason)} as its reason; it must be one PascalCase word`);
  return reason;
}

function checkTarget(target: string, call: PluginCall): ResourceKey | undefined {
  if (!target) return undefined;
  if (!call.extensions.has(target))
    throw invalid(`it refers to ${quoteText(target)}, which isn't an extension of this resource`);
  return target;
}

function delayOf(milliseconds: number, field: string): number {
  if (!(milliseconds >= 0)) throw invalid(`it returned a negative ${field}`);
  return Math.min(milliseconds, limits.calls.maxDelay);
}

function validityOf(milliseconds: number): number {
  return Math.min(delayOf(milliseconds, 'valid_for'), limits.calls.maxValidFor);
}

function atMost<T>(limit: number, items: readonly T[], what: string): readonly T[] {
  if (items.length > limit) throw invalid(`it returned ${items.length} ${what}; at most ${limit} are allowed`);
  return items;
}

function invalid(what: string, cause?: unknown): KplugError {
  return new KplugError('InvalidResponse', what, { cause });
}
