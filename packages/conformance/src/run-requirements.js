import { CommandError } from '../../cli/src/command-error.js';
import { NotMet, NotTried } from './requirement.js';

/** How long one requirement may take, in milliseconds. */
const longest = 120_000;
/** Tries requirements one after the other, in their order. Never rejects. */
export async function runRequirements(requirements, subject) {
  const verdicts = [];
  for (const requirement of requirements) verdicts.push(await tryRequirement(requirement, subject));
  return verdicts.sort((a, b) => ordinal(a) - ordinal(b));
}
/** Those of the given numbers; all of them where none is given. Throws a `CommandError` for a number that none of them has. */
export function selectRequirements(requirements, numbers) {
  const known = new Set(requirements.map(({ number }) => number));
  const unknown = numbers?.filter((number) => !known.has(number)) ?? [];
  if (unknown.length > 0) {
    const advice = `there are ${[...known].sort((a, b) => Number(a.slice(1)) - Number(b.slice(1))).join(', ')}`;
    throw new CommandError('usage', `there is no requirement ${unknown.join(', ')}; ${advice}`);
  }
  return requirements.filter(({ number }) => !numbers || numbers.includes(number));
}
async function tryRequirement({ number, level, title, check }, subject) {
  const from = performance.now();
  const verdict = (outcome) => {
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
async function inTime(trial) {
  let timer;
  const late = new Promise((_, reject) => {
    const tooLong = new NotMet(`nothing for ${longest / 1_000} s`, 'an end');
    timer = setTimeout(() => reject(tooLong), longest);
  });
  try {
    return await Promise.race([trial, late]);
  } finally {
    clearTimeout(timer);
  }
}
function ordinal({ number }) {
  return Number(number.slice(1));
}
//# sourceMappingURL=run-requirements.js.map
