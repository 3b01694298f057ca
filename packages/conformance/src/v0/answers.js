import { parseDocument } from 'yaml';
import { answersInTime } from '../answers-in-time.js';
import { forbiddenKeyIn, isObject, ownFields } from '../plugin/answers.js';
import { describeAnswer } from '../plugin/describe-answer.js';
import { NotMet, NotTried } from '../requirement.js';
/** What is required of each answer. Tried over all answers that the other requirements led to. */
export const answers = [
  each('F4', 'MUST', 'returns YAML mappings, or nothing', 'a mapping in YAML 1.2 without forbidden keys', (call) =>
    textsOf(call).flatMap(([whose, yaml]) => faultOf(yaml).map((fault) => `the status of ${whose} ${fault}`)),
  ),
  each('F4', 'MUST', 'returns no keys but those that it was sent', 'keys that were sent', ({ returned, keys }) =>
    Object.keys(returned?.references ?? {})
      .filter((key) => !keys.has(key))
      .map((key) => `"${key}"`),
  ),
  each(
    'F4',
    'SHOULD',
    "returns none of the operator's status fields",
    `none of ${ownFields.join(', ')}`,
    ({ returned }) => {
      const status = read(returned?.base?.yaml ?? '');
      return isObject(status) ? ownFields.filter((field) => field in status).map((field) => `the field ${field}`) : [];
    },
  ),
  {
    number: 'F5',
    level: 'SHOULD',
    title: 'answers delete with an Empty',
    check: async ({ calls }) => {
      const deleted = calls.filter(({ method, error }) => method === 'delete' && !error);
      if (deleted.length === 0) throw new NotTried('no delete succeeded');
      const unanswered = deleted.filter(({ isUnanswered }) => isUnanswered).length;
      if (unanswered === 0) return undefined;
      throw new NotMet(`${unanswered} of ${deleted.length} ended with INTERNAL for want of an answer`, 'an Empty');
    },
  },
  {
    number: 'F6',
    level: 'MUST',
    title: 'answers a failure with a gRPC error that has a text',
    check: async ({ calls }) => {
      const errors = calls.flatMap(({ error }) => error ?? []);
      const [first] = errors;
      if (!first) throw new NotTried('nothing failed; see P32');
      const silent = errors.filter(({ details }) => details.trim() === '');
      if (silent.length === 0) return describeAnswer(first);
      throw new NotMet(`${silent.length} of ${errors.length} errors are without one`, 'what went wrong, for the user');
    },
  },
  answersInTime('F7', 'SHOULD'),
];
function each(number, level, title, expected, faultsOf) {
  const check = async ({ calls }) => {
    const returned = calls.filter((call) => call.returned);
    if (returned.length === 0) throw new NotTried('nothing was returned');
    const faults = new Set(returned.flatMap(faultsOf));
    if (faults.size > 0) throw new NotMet([...faults].slice(0, 3).join(', '), expected);
    return `in ${returned.length} answers`;
  };
  return { number, level, title, check };
}
function textsOf({ returned }) {
  const references = Object.entries(returned?.references ?? {}).map(([key, { yaml }]) => [key, yaml]);
  return [['the base', returned?.base?.yaml ?? ''], ...references.map(([key, yaml]) => [key, yaml])];
}
function faultOf(yaml) {
  const value = read(yaml);
  if (value === undefined) return ["isn't YAML 1.2"];
  if (value === null) return [];
  if (!isObject(value)) return ["isn't a mapping"];
  const key = forbiddenKeyIn(value);
  return key ? [`has the key ${key}`] : [];
}
/** What a text says; `null` for nothing, `undefined` when it isn't one document of YAML. */
function read(yaml) {
  const document = parseDocument(yaml, { version: '1.2', logLevel: 'silent', uniqueKeys: false });
  if (document.errors.length > 0) return undefined;
  try {
    return document.toJS({ maxAliasCount: 50 }) ?? null;
  } catch {
    return undefined;
  }
}
//# sourceMappingURL=answers.js.map
