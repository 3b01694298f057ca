import { isJsonObject } from '@kplug/controller/tools';
import { readYaml } from '@kplug/protocol';
import { answersInTime } from '../answers-in-time.ts';
import { forbiddenKeyIn, ownFields } from '../plugin/answers.ts';
import { describeAnswer } from '../plugin/describe-answer.ts';
import { type Level, NotMet, NotTried, type Requirement } from '../requirement.ts';
import { yamlBounds } from '../yaml-bounds.ts';
import type { V0Call, V0UnderTest } from './v0-under-test.ts';

/** Requirements on each answer. Checked over all answers of the preceding checks. */
export const answerRequirements: readonly Requirement<V0UnderTest>[] = [
  each('F4', 'MUST', 'returns YAML mappings or nothing', 'a mapping in YAML 1.2 without forbidden keys', (call) =>
    textsOf(call).flatMap(([owner, yaml]) => faultOf(yaml).map((fault) => `the status of ${owner} ${fault}`)),
  ),
  each('F4', 'MUST', 'returns only keys that it was sent', 'keys of the request', ({ returned, keys }) =>
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
      return isJsonObject(status)
        ? ownFields.filter((field) => field in status).map((field) => `the field ${field}`)
        : [];
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
      throw new NotMet(
        `${unanswered} of ${deleted.length} calls ended with INTERNAL, as the answer was missing`,
        'an Empty',
      );
    },
  },
  {
    number: 'F6',
    level: 'MUST',
    title: 'answers a failure with a gRPC error that has a message',
    check: async ({ calls }) => {
      const errors = calls.flatMap(({ error }) => error ?? []);
      const [first] = errors;
      if (!first) throw new NotTried('no call failed; see P32');
      const silent = errors.filter(({ details }) => details.trim() === '');
      if (silent.length === 0) return describeAnswer(first);
      throw new NotMet(`${silent.length} of ${errors.length} errors have no message`, 'a message for the user');
    },
  },
  answersInTime('F7', 'SHOULD'),
];

function each(
  number: string,
  level: Level,
  title: string,
  expected: string,
  faultsOf: (call: V0Call) => string[],
): Requirement<V0UnderTest> {
  const check = async ({ calls }: V0UnderTest) => {
    const returned = calls.filter((call) => call.returned);
    if (returned.length === 0) throw new NotTried('no status was returned');
    const faults = new Set(returned.flatMap(faultsOf));
    if (faults.size > 0) throw new NotMet([...faults].slice(0, 3).join(', '), expected);
    return `in ${returned.length} answers`;
  };
  return { number, level, title, check };
}

function textsOf({ returned }: V0Call): [string, string][] {
  const references = Object.entries(returned?.references ?? {}).map(([key, { yaml }]) => [key, yaml] as const);
  return [['the base', returned?.base?.yaml ?? ''], ...references.map(([key, yaml]): [string, string] => [key, yaml])];
}

function faultOf(yaml: string): string[] {
  const value = read(yaml);
  if (value === undefined) return ['is not YAML 1.2'];
  if (value === null) return [];
  if (!isJsonObject(value)) return ['is not a mapping'];
  const key = forbiddenKeyIn(value);
  return key ? [`has the key ${key}`] : [];
}

/** Parses one YAML document. Returns `null` for an empty one and `undefined` for invalid YAML. */
function read(yaml: string): unknown {
  return readYaml(yaml, yamlBounds).value;
}
