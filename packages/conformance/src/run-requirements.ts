import { messageOf } from '@kplug/protocol';
import { ConformanceError } from './errors.ts';
import { type Level, NotMet, NotTried, type Requirement } from './requirement.ts';

/** Result of checking one requirement. A SHOULD that is not met has the result `warning`. */
export interface Verdict {
  number: string;
  level: Level;
  title: string;
  result: 'passed' | 'failed' | 'warning' | 'notTried';
  /** Observed and expected behaviour, if the requirement is not met. */
  seen?: string;
  expected?: string;
  /** Remark, or the reason why the requirement was not tried. */
  remark?: string;
  /** Duration of the check, in milliseconds. */
  duration: number;
}

/** Time limit of one check, in milliseconds. */
const maxDuration = 120_000;

/** Checks requirements one after another, in their order, and returns the verdicts by number. Never rejects. */
export async function runRequirements<Subject>(
  requirements: readonly Requirement<Subject>[],
  subject: Subject,
): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  for (const requirement of requirements) verdicts.push(await checkRequirement(requirement, subject));
  return verdicts.sort((a, b) => ordinal(a) - ordinal(b));
}

/** Returns the requirements of the given numbers, or all if none are given. Throws `InvalidOptions` for an unknown number. */
export function selectRequirements<Subject>(
  requirements: readonly Requirement<Subject>[],
  numbers: readonly string[] | undefined,
): Requirement<Subject>[] {
  const known = new Set(requirements.map(({ number }) => number));
  const unknown = numbers?.filter((number) => !known.has(number)) ?? [];
  if (unknown.length > 0) {
    const valid = [...known].sort((a, b) => Number(a.slice(1)) - Number(b.slice(1))).join(', ');
    throw new ConformanceError('InvalidOptions', `unknown requirement ${unknown.join(', ')}; valid: ${valid}`);
  }
  return requirements.filter(({ number }) => !numbers || numbers.includes(number));
}

async function checkRequirement<Subject>(
  { number, level, title, check }: Requirement<Subject>,
  subject: Subject,
): Promise<Verdict> {
  const startedAt = performance.now();
  const verdict = (outcome: Pick<Verdict, 'result' | 'seen' | 'expected' | 'remark'>): Verdict => {
    return { number, level, title, ...outcome, duration: Math.round(performance.now() - startedAt) };
  };
  try {
    const remark = await withTimeLimit(check(subject));
    return verdict({ result: 'passed', ...(remark === undefined ? {} : { remark }) });
  } catch (error) {
    if (error instanceof NotTried) return verdict({ result: 'notTried', remark: error.message });
    const result = level === 'MUST' ? 'failed' : 'warning';
    if (error instanceof NotMet) return verdict({ result, seen: error.seen, expected: error.expected });
    return verdict({ result, seen: messageOf(error), expected: 'no error' });
  }
}

async function withTimeLimit<T>(check: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const timedOut = new NotMet(`no result after ${maxDuration / 1_000} s`, 'a result');
    timer = setTimeout(() => reject(timedOut), maxDuration);
  });
  try {
    return await Promise.race([check, late]);
  } finally {
    clearTimeout(timer);
  }
}

function ordinal({ number }: Verdict): number {
  return Number(number.slice(1));
}
