import { durationMs } from '@bufbuild/protobuf/wkt';
import {
  type Condition,
  ConditionStatus,
  DependentPolicy,
  type DependentRules,
  type Dependents,
  EventType,
  type FinalizeResponse,
  Outcome,
  parseJson,
  type ReconcileResponse,
  type ResourceRequirement,
  Severity,
} from '@kplug/protocol';
import { dependentName } from '../encode-dependents.ts';
import type { Dependent, Requirement, RuledDependent } from '../plugin.ts';
import type {
  FinalizeTestResult,
  ReconcileTestResult,
  ReportedEvent,
  ReportedMessage,
  ReportedProgress,
} from './test-result.ts';

/** Extensions of a call as `Kind/name`, by their keys. */
type ExtensionNames = ReadonlyMap<string, string>;

const decoder = new TextDecoder();

/** Reads an answer to a call of Finalize, or the part of one to Reconcile that both have. */
export function readFinalizeAnswer(
  answer: FinalizeResponse | ReconcileResponse,
  names: ExtensionNames,
  thrown: unknown,
): FinalizeTestResult {
  const retryAfter = answer.retryAfter && durationMs(answer.retryAfter);
  const progress = answer.progress && readProgress(answer.progress, retryAfter);
  const all = answer.messages.map(({ severity, reason, text, target }): ReportedMessage => {
    return { severity: severityOf(severity), reason, text, ...extensionOf(target, names) };
  });
  // The last message of an answer in progress is that of the SDK, for operators that don't know of progress.
  const messages = progress ? all.slice(0, -1) : all;
  return {
    outcome: outcomeOf(answer),
    ...describeFailure(answer, messages, progress),
    retryAfter: progress ? undefined : retryAfter,
    progress,
    messages,
    events: answer.events.map(({ type, reason, message, target }): ReportedEvent => {
      const isWarning = type === EventType.WARNING;
      return { type: isWarning ? 'Warning' : 'Normal', reason, message, ...extensionOf(target, names) };
    }),
    require: mapValues(answer.requirements, readRequirement),
    thrown,
  };
}

/** Reads an answer to a call of Reconcile. */
export function readReconcileAnswer(
  answer: ReconcileResponse,
  names: ExtensionNames,
  thrown: unknown,
): ReconcileTestResult {
  const statuses = Object.entries(answer.extensionStatuses).map(
    ([key, status]) => [names.get(key) ?? key, readJson(status)] as const,
  );
  return {
    ...readFinalizeAnswer(answer, names, thrown),
    status: answer.baseStatus && readJson(answer.baseStatus),
    extensions: Object.fromEntries(statuses),
    conditions: answer.conditions.map(readCondition),
    dependents: answer.dependents && readDependents(answer.dependents),
    requeueAfter: answer.requeueAfter && durationMs(answer.requeueAfter),
    validFor: answer.validFor && durationMs(answer.validFor),
  };
}

function outcomeOf({ outcome, progress }: FinalizeResponse | ReconcileResponse): FinalizeTestResult['outcome'] {
  if (outcome === Outcome.SUCCESS) return 'Success';
  if (outcome === Outcome.TERMINAL) return 'Terminal';
  return progress ? 'InProgress' : 'Retry';
}

/** Returns reason and message of a failure: those of its first message of the highest severity, as an operator shows them. */
function describeFailure(
  { outcome }: FinalizeResponse | ReconcileResponse,
  messages: readonly ReportedMessage[],
  progress: ReportedProgress | undefined,
): { reason: string; message: string } {
  if (progress || outcome === Outcome.SUCCESS) return { reason: '', message: progress?.message ?? '' };
  const order = ['error', 'warning', 'info'] as const;
  const [worst] = order.flatMap((severity) => messages.filter((message) => message.severity === severity));
  return { reason: worst?.reason ?? '', message: worst?.text ?? '' };
}

function readProgress(
  { percentage, message, token }: NonNullable<FinalizeResponse['progress']>,
  after: number | undefined,
): ReportedProgress {
  return { ...(percentage !== undefined && { percentage }), message, token, ...(after !== undefined && { after }) };
}

function readCondition({ type, status, reason, message }: Condition): ReconcileTestResult['conditions'][number] {
  const read = status === ConditionStatus.UNKNOWN ? 'Unknown' : status === ConditionStatus.TRUE;
  return { type, status: read, reason, message };
}

function readDependents({ items, rules }: Dependents): RuledDependent[] {
  return items.map((item) => {
    const manifest = readJson(item) as unknown as Dependent;
    const ruled = rules[dependentName(manifest)];
    return { manifest, ...(ruled && readRules(ruled)) };
  });
}

/** Policies other than the default. */
const policies: Partial<Record<DependentPolicy, NonNullable<RuledDependent['policy']>>> = {
  [DependentPolicy.CREATE_ONLY]: 'CreateOnly',
  [DependentPolicy.RECREATE]: 'Recreate',
  [DependentPolicy.OBSERVE]: 'Observe',
};

/** Returns the rules that differ from the defaults. */
function readRules(rules: DependentRules): Omit<RuledDependent, 'manifest'> {
  const { dependsOn, readyWhen, readyTimeout, includeWhen, retain } = rules;
  const policy = policies[rules.policy];
  return {
    ...(dependsOn.length > 0 && { dependsOn }),
    ...(readyWhen && { readyWhen }),
    ...(readyTimeout && { readyTimeout: durationMs(readyTimeout) }),
    ...(includeWhen && { includeWhen }),
    ...(policy && { policy }),
    ...(retain && { retain }),
  };
}

function readRequirement({ apiVersion, kind, namespace, name, labels }: ResourceRequirement): Requirement {
  const selector = name ? { name } : { labels };
  return { apiVersion, kind, ...(namespace && { namespace }), ...selector };
}

function extensionOf(target: string, names: ExtensionNames): { extension?: string } {
  return target ? { extension: names.get(target) ?? target } : {};
}

function severityOf(severity: Severity): ReportedMessage['severity'] {
  if (severity === Severity.ERROR) return 'error';
  return severity === Severity.WARNING ? 'warning' : 'info';
}

function readJson(bytes: Uint8Array): Record<string, unknown> {
  return parseJson(decoder.decode(bytes)) as Record<string, unknown>;
}

function mapValues<V, R>(given: Readonly<Record<string, V>>, convert: (value: V) => R): Record<string, R> {
  return Object.fromEntries(Object.entries(given).map(([name, value]) => [name, convert(value)]));
}
