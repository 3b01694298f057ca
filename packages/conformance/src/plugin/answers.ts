import { durationMs } from '@bufbuild/protobuf/wkt';
import { findRulesFault, isJsonObject } from '@kplug/controller/tools';
import {
  type Dependents,
  type FinalizeResponse,
  Outcome,
  parseJson,
  type ReconcileResponse,
  Severity,
} from '@kplug/protocol';
import { answersInTime } from '../answers-in-time.ts';
import { NotMet, NotTried, type Requirement } from '../requirement.ts';
import { describeAnswer, nameOf } from './describe-answer.ts';
import type { CallMade, PluginUnderTest } from './plugin-under-test.ts';
import { faultsOfRequirements, maxRounds } from './stated-requirements.ts';

const decoder = new TextDecoder('utf-8', { fatal: true });

/** Reason as Kubernetes requires it, in PascalCase. */
const reasonPattern = /^[A-Z][A-Za-z0-9]*$/;

const ownConditions = new Set(['PluginSelected', 'ExtensionsResolved', 'Reconciled', 'Finalized', 'Paused', 'Ready']);
/** Status fields that the controller owns. */
export const ownFields: readonly string[] = [
  'implementation',
  'plugin',
  'implementations',
  'dependents',
  'dependentsReady',
  'lastHandledReconcileAt',
  'operationsInProgress',
  'observedGeneration',
  'conditions',
];
const forbiddenKeys = new Set(['__proto__', 'constructor', 'prototype']);

type Answer = ReconcileResponse | FinalizeResponse;

/** Requirements on each answer. Checked over all answers of the preceding checks. */
export const answerRequirements: readonly Requirement<PluginUnderTest>[] = [
  each('P18', 'MUST', 'answers with an outcome', 'SUCCESS, RETRY or TERMINAL', ({ outcome }) => {
    const known: readonly Outcome[] = [Outcome.SUCCESS, Outcome.RETRY, Outcome.TERMINAL];
    return known.includes(outcome) ? [] : [`the outcome ${nameOf(outcome)}`];
  }),
  each(
    'P19',
    'SHOULD',
    'gives a reason for each failure',
    'a message of severity ERROR with one PascalCase word',
    (answer) => {
      if (answer.outcome === Outcome.SUCCESS || answer.progress) return [];
      const reasons = answer.messages.filter(({ severity }) => severity === Severity.ERROR).map(({ reason }) => reason);
      if (reasons.length === 0) return [`${describeAnswer(answer)} without a message of severity ERROR`];
      return reasons.filter((reason) => !reasonPattern.test(reason)).map((reason) => `the reason "${reason}"`);
    },
  ),
  each(
    'P21',
    'MUST',
    'returns statuses that are JSON objects',
    'a JSON object in UTF-8 without forbidden keys',
    (answer) =>
      statusesOf(answer).flatMap(([owner, bytes]) => faultOf(bytes).map((fault) => `the status of ${owner} ${fault}`)),
  ),
  each(
    'P22',
    'MUST',
    'refers only to extensions that it was sent',
    'keys of extensions in the request',
    (answer, { keys }) => {
      const targets = [...answer.messages, ...answer.events].map(({ target }) => target).filter(Boolean);
      const statuses = 'extensionStatuses' in answer ? Object.keys(answer.extensionStatuses) : [];
      return [...targets, ...statuses].filter((key) => !keys.has(key)).map((key) => `"${key}"`);
    },
  ),
  each(
    'P23',
    'MUST',
    "returns none of the controller's conditions",
    `none of ${[...ownConditions].join(', ')}`,
    (answer) => conditionsOf(answer).flatMap(({ type }) => (ownConditions.has(type) ? [`the condition ${type}`] : [])),
  ),
  each(
    'P23',
    'SHOULD',
    "returns none of the controller's status fields",
    `none of ${ownFields.join(', ')}`,
    (answer) => {
      const base = 'baseStatus' in answer && answer.baseStatus ? parse(answer.baseStatus) : undefined;
      return isJsonObject(base) ? ownFields.filter((field) => field in base).map((field) => `the field ${field}`) : [];
    },
  ),
  each(
    'P37',
    'MUST',
    'returns valid dependents',
    'at most 100 distinct objects with apiVersion, kind, name, and no metadata but namespace, labels and annotations, with rules that name them',
    (answer) => ('dependents' in answer && answer.dependents ? faultsOfDependents(answer.dependents) : []),
  ),
  each('P26', 'MUST', 'returns at most 64 conditions, 100 messages and 100 events', 'no more', (answer) => {
    const counts = [
      [conditionsOf(answer).length, 64, 'conditions'],
      [answer.messages.length, 100, 'messages'],
      [answer.events.length, 100, 'events'],
    ] as const;
    return counts.flatMap(([count, limit, what]) => (count > limit ? [`${count} ${what}`] : []));
  }),
  each('P38', 'MUST', 'returns answers that every controller accepts', 'within the limits of P38', faultsOfSize),
  each(
    'P50',
    'MUST',
    'returns a valid_for that is not negative, and with SUCCESS only',
    'a duration of 0 or more, with SUCCESS',
    (answer) => {
      if (!('validFor' in answer) || !answer.validFor) return [];
      if (answer.outcome !== Outcome.SUCCESS) return [`valid_for with ${describeAnswer(answer)}`];
      const time = durationMs(answer.validFor);
      return time < 0 ? [`${time / 1_000} s`] : [];
    },
  ),
  each(
    'P51',
    'MUST',
    'reports progress with RETRY only, of at most 100 %, with a token of at most 1 KiB',
    'RETRY, a percentage from 0 to 100, and a short token',
    ({ progress, outcome }) => {
      if (!progress) return [];
      const { percentage = 0, token } = progress;
      const size = Buffer.byteLength(token);
      return [
        ...(outcome === Outcome.RETRY ? [] : [`progress with ${nameOf(outcome)}`]),
        ...(percentage > 100 ? [`${percentage} %`] : []),
        ...(size > maxTokenSize ? [`a token of ${size} bytes`] : []),
      ];
    },
  ),
  each(
    'P52',
    'MUST',
    'states valid requirements',
    'at most 32, each with apiVersion, kind, and either a name or at most 16 labels',
    ({ requirements }) => faultsOfRequirements(requirements),
  ),
  {
    number: 'P52',
    level: 'MUST',
    title: 'states the same requirements once a call brings what they select',
    check: async ({ calls }) => {
      const names = calls.flatMap(({ unstable = [] }) => unstable);
      if (names.length === 0) return undefined;
      const seen = `other requirements by each of ${maxRounds} answers: ${[...new Set(names)].join(', ')}`;
      throw new NotMet(seen, 'the same requirements, also those that the call brought');
    },
  },
  answersInTime('P25', 'MUST'),
];

/** Largest size of a status, which a delegation may raise, of a text and of a token. */
const maxStatusSize = 256 * 1024;
const maxTextLength = 32 * 1024;
const maxTokenSize = 1024;

function faultsOfSize(answer: Answer): string[] {
  const statuses = statusesOf(answer).map(
    ([owner, { length }]) => [length, maxStatusSize, `status of ${owner}`] as const,
  );
  const texts = [
    ...answer.messages.map(({ text }) => text),
    ...answer.events.map(({ message }) => message),
    ...conditionsOf(answer).map(({ message }) => message),
  ].map(({ length }) => [length, maxTextLength, 'text'] as const);
  return [...statuses, ...texts].flatMap(([size, limit, what]) => (size > limit ? [`a ${what} of ${size}`] : []));
}

function each(
  number: string,
  level: 'MUST' | 'SHOULD',
  title: string,
  expected: string,
  faultsOf: (answer: Answer, call: CallMade) => string[],
): Requirement<PluginUnderTest> {
  const check = async ({ calls }: PluginUnderTest) => {
    const answered = calls.filter(({ answer }) => answer);
    if (answered.length === 0) throw new NotTried('no call was answered');
    const faults = new Set(answered.flatMap((call) => (call.answer ? faultsOf(call.answer, call) : [])));
    if (faults.size > 0) throw new NotMet([...faults].slice(0, 3).join(', '), expected);
    return `in ${answered.length} answers`;
  };
  return { number, level, title, check };
}

function conditionsOf(answer: Answer): ReconcileResponse['conditions'] {
  return 'conditions' in answer ? answer.conditions : [];
}

function statusesOf(answer: Answer): [string, Uint8Array][] {
  if (!('extensionStatuses' in answer)) return [];
  const base: [string, Uint8Array][] = answer.baseStatus ? [['the base', answer.baseStatus]] : [];
  return [...base, ...Object.entries(answer.extensionStatuses)];
}

function faultOf(bytes: Uint8Array): string[] {
  const value = parse(bytes);
  if (value === undefined) return ['is not JSON in UTF-8'];
  if (!isJsonObject(value)) return ['is not an object'];
  const key = forbiddenKeyIn(value);
  return key ? [`has the key ${key}`] : [];
}

function parse(bytes: Uint8Array): unknown {
  try {
    return parseJson(decoder.decode(bytes));
  } catch {
    return undefined;
  }
}

/** Returns the first forbidden key in a status, at any depth. */
export function forbiddenKeyIn(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, inner] of Object.entries(value)) {
    const found = forbiddenKeys.has(key) ? key : forbiddenKeyIn(inner);
    if (found) return found;
  }
  return undefined;
}

const allowedMetadata = new Set(['name', 'namespace', 'labels', 'annotations']);

function faultsOfDependents({ items, rules }: Dependents): string[] {
  const references = items.map((bytes) => {
    const { apiVersion, kind, metadata } = (parse(bytes) ?? {}) as Record<string, unknown>;
    const { name, ...rest } = (isJsonObject(metadata) ? metadata : {}) as Record<string, unknown>;
    if (typeof apiVersion !== 'string' || typeof kind !== 'string' || typeof name !== 'string') return undefined;
    const isWhole =
      [apiVersion, kind, name].every(Boolean) && Object.keys(rest).every((one) => allowedMetadata.has(one));
    return isWhole ? { apiVersion, kind, name } : undefined;
  });
  const names = references.map((one) => one && `${one.apiVersion} ${one.kind} ${one.name}`);
  const invalid = names.flatMap((name, index) => (name === undefined ? [`invalid dependents[${index}]`] : []));
  const twice = names.filter((name, index) => name !== undefined && names.indexOf(name) !== index);
  const tooMany = items.length > 100 ? [`${items.length} dependents`] : [];
  const fault = findRulesFault(
    references.filter((one) => one !== undefined),
    rules,
  );
  return [...invalid, ...twice.map((name) => `${name} twice`), ...tooMany, ...(fault ? [fault] : [])];
}
