import { KplugError } from '../errors.ts';
import type { Limit, LimitUnit } from './limit.ts';
import { queue } from './queue.ts';

const nouns: Record<LimitUnit, string> = {
  ms: 'a number of milliseconds',
  bytes: 'a number of bytes',
  characters: 'a number of characters',
  levels: 'a number of levels',
  percent: 'a percentage',
  count: 'a number',
};

/** Returns the value of an option, or the default. Throws `InvalidConfiguration` for a value outside of the limit's range. */
export function readLimit(limit: Limit, given: number | undefined): number {
  const { value, unit, settings: [setting] = ['a limit'], min = 0, max = largest(limit) } = limit;
  if (given === undefined) return value;
  if (given >= min && given <= max) return given;
  const end = Number.isFinite(max) ? `to ${max.toLocaleString('en')}` : 'upwards';
  throw new KplugError('InvalidConfiguration', `${setting} is ${given}; it must be ${nouns[unit]} from ${min} ${end}`);
}

/** Returns the largest value of a limit without a maximum. A setting can't be longer than a timer. */
function largest({ unit, settings }: Limit): number {
  return unit === 'ms' && settings ? queue.maxTimerDelay.value : Number.POSITIVE_INFINITY;
}
