import { CommandError } from '../../cli/src/command-error.ts';
import { NotMet, NotTried, type Requirement } from './requirement.ts';

/** How trying a requirement went. One that SHOULD be met and isn't has the result `warning`. */
export interface Verdict {
  number: string;
  level: Requirement<unknown>['level'];
  title: string;
  result: 'passed' | 'failed' | 'warning' | 'notTried';
  /** Of one that isn't met: what was seen, and what should have been. */
  seen?: string;
  expected?: string;
  /** A remark; of one that wasn't tried, why not. */
  remark?: string;
  /** How long it took, in milliseconds. */
  duration: number;
}

/** How long one requirement may take, in milliseconds. */
const longest = 120_000;

/** Tries requirements one after the other, in their order. Never rejects. */
export async function runRequirements<Subject>(
  requirements: readonly Requirement<Subject>[],
  subject: Subject,
): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  for (const requirement of requirements) verdicts.push(await tryRequirement(requirement, subject));
  return verdicts.sort((a, b) => ordinal(a) - ordinal(b));
}

/** Those of the given numbers; all of them where none is given. Throws a `CommandError` for a number that none of them has. */
export function selectRequirements<Subject>(
  requirements: readonly Requirement<Subject>[],
  numbers: readonly string[] | undefined,
): Requirement<Subject>[] {
  const known = new Set(requirements.map(({ number }) => number));
  const unknown = numbers?.filter((number) => !known.has(number)) ?? [];
  if (unknown.length > 0) {
    const advice = `there are ${[...known].sort((a, b) => Number(a.slice(1)) - Number(b.slice(1))).join(', ')}`;
    throw new CommandError('usage', `there is no requirement ${unknown.join(', ')}; ${advice}`);
  }
  return requirements.filter(({ number }) => !numbers || numbers.includes(number));
}

async function tryRequirement<Subject>(
  { number, level, title, check }: Requirement<Subject>,
  subject: Subject,
): Promise<Verdict> {
  const from = performance.now();
  const verdict = (outcome: Pick<Verdict, 'result' | 'seen' | 'expected' | 'remark'>): Verdict => {
    return { number, level, title, ...outcome, duration: Math.round(performance.now() - from) };
  };
  try {
    const remark = await inTime(check(subject));
    return verdict({ result: 'passed', ...(remark === undefined ? {} : { remark }) });
  } catch (error) {
    if (error instanceof NotTried) return verdict({ result: 'notTried', remark: error.message });
    const result = level === 'MUST' ? 'failed' : 'warning';
    if (error instanceof NotMet) return verdict({ result, seen: error.seen, expected: error.expected });
    return verdict({ result, seen: error instanceof Error ? error.message : String(error), expected: 'no failure' });
  }
}

async function inTime<T>(trial: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const tooLong = new NotMet(`nothing for ${longest / 1_000} s`, 'an end');
    timer = setTimeout(() => reject(tooLong), longest);
  });
  try {
    return await Promise.race([trial, late]);
  } finally {
    clearTimeout(timer);
  }
}

function ordinal({ number }: Verdict): number {
  return Number(number.slice(1));
}
