import { Outcome, Severity } from '@kplug/protocol';
import { answersInTime } from '../answers-in-time.js';
import { NotMet, NotTried } from '../requirement.js';
import { describeAnswer, nameOf } from './describe-answer.js';

const decoder = new TextDecoder('utf-8', { fatal: true });
/** As Kubernetes requires of a reason, and PascalCase. */
const reasonWord = /^[A-Z][A-Za-z0-9]*$/;
const ownConditions = new Set(['PluginSelected', 'ExtensionsResolved', 'Reconciled', 'Finalized', 'Ready']);
/** The status fields that are the controller's. */
export const ownFields = [
  'implementation',
  'plugin',
  'implementations',
  'dependents',
  'observedGeneration',
  'conditions',
];
const forbiddenKeys = new Set(['__proto__', 'constructor', 'prototype']);
/** What is required of each answer. Tried last, over all answers that the other requirements led to. */
export const answers = [
  each('P18', 'MUST', 'answers with an outcome', 'SUCCESS, RETRY or TERMINAL', ({ outcome }) => {
    const known = [Outcome.SUCCESS, Outcome.RETRY, Outcome.TERMINAL];
    return known.includes(outcome) ? [] : [`the outcome ${nameOf(outcome)}`];
  }),
  each(
    'P19',
    'SHOULD',
    'gives a reason for each failure',
    'a message of severity ERROR with one PascalCase word',
    (answer) => {
      if (answer.outcome === Outcome.SUCCESS) return [];
      const reasons = answer.messages.filter(({ severity }) => severity === Severity.ERROR).map(({ reason }) => reason);
      if (reasons.length === 0) return [`${describeAnswer(answer)} without one`];
      return reasons.filter((reason) => !reasonWord.test(reason)).map((reason) => `the reason "${reason}"`);
    },
  ),
  each(
    'P21',
    'MUST',
    'returns statuses that are JSON objects',
    'a JSON object in UTF-8 without forbidden keys',
    (answer) =>
      statusesOf(answer).flatMap(([whose, bytes]) => faultOf(bytes).map((fault) => `the status of ${whose} ${fault}`)),
  ),
  each('P22', 'MUST', 'names nothing but what it was sent', 'keys of extensions that were sent', (answer, { keys }) => {
    const targets = [...answer.messages, ...answer.events].map(({ target }) => target).filter(Boolean);
    const statuses = 'extensionStatuses' in answer ? Object.keys(answer.extensionStatuses) : [];
    return [...targets, ...statuses].filter((key) => !keys.has(key)).map((key) => `"${key}"`);
  }),
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
      return isObject(base) ? ownFields.filter((field) => field in base).map((field) => `the field ${field}`) : [];
    },
  ),
  each(
    'P37',
    'MUST',
    'wants dependents that can be kept',
    'at most 100 objects with apiVersion, kind and name, each once, and no metadata but marks',
    (answer) => ('dependents' in answer && answer.dependents ? faultsOfDependents(answer.dependents.items) : []),
  ),
  each('P26', 'MUST', 'returns no more than 64 conditions, 100 messages and 100 events', 'no more', (answer) => {
    const counts = [
      [conditionsOf(answer).length, 64, 'conditions'],
      [answer.messages.length, 100, 'messages'],
      [answer.events.length, 100, 'events'],
    ];
    return counts.flatMap(([count, limit, what]) => (count > limit ? [`${count} ${what}`] : []));
  }),
  answersInTime('P25', 'MUST'),
];
function each(number, level, title, expected, faultsOf) {
  const check = async ({ calls }) => {
    const answered = calls.filter(({ answer }) => answer);
    if (answered.length === 0) throw new NotTried('no call was answered');
    const faults = new Set(answered.flatMap((call) => (call.answer ? faultsOf(call.answer, call) : [])));
    if (faults.size > 0) throw new NotMet([...faults].slice(0, 3).join(', '), expected);
    return `in ${answered.length} answers`;
  };
  return { number, level, title, check };
}
function conditionsOf(answer) {
  return 'conditions' in answer ? answer.conditions : [];
}
function statusesOf(answer) {
  if (!('extensionStatuses' in answer)) return [];
  const base = answer.baseStatus ? [['the base', answer.baseStatus]] : [];
  return [...base, ...Object.entries(answer.extensionStatuses)];
}
function faultOf(bytes) {
  const value = parse(bytes);
  if (value === undefined) return ["isn't JSON in UTF-8"];
  if (!isObject(value)) return ["isn't an object"];
  const key = forbiddenKeyIn(value);
  return key ? [`has the key ${key}`] : [];
}
function parse(bytes) {
  try {
    return JSON.parse(decoder.decode(bytes));
  } catch {
    return undefined;
  }
}
/** Whether a value is an object of JSON. */
export function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
/** The first key in a value that no status may have, at any depth. */
export function forbiddenKeyIn(value) {
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, inner] of Object.entries(value)) {
    const found = forbiddenKeys.has(key) ? key : forbiddenKeyIn(inner);
    if (found) return found;
  }
  return undefined;
}
const marks = new Set(['name', 'namespace', 'labels', 'annotations']);
function faultsOfDependents(items) {
  const names = items.map((bytes) => {
    const { apiVersion, kind, metadata } = parse(bytes) ?? {};
    const { name, ...rest } = isObject(metadata) ? metadata : {};
    const isWhole = [apiVersion, kind, name].every((part) => typeof part === 'string' && part !== '');
    return isWhole && Object.keys(rest).every((field) => marks.has(field))
      ? `${apiVersion} ${kind} ${name}`
      : undefined;
  });
  const broken = names.flatMap((name, index) =>
    name === undefined ? [`dependents[${index}] that can't be kept`] : [],
  );
  const twice = names.filter((name, index) => name !== undefined && names.indexOf(name) !== index);
  const tooMany = items.length > 100 ? [`${items.length} dependents`] : [];
  return [...broken, ...twice.map((name) => `${name} twice`), ...tooMany];
}
//# sourceMappingURL=answers.js.map
