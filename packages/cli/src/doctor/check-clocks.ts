import { type ClockReading, difference } from './clock-reading.ts';
import { Check, type Finding } from './finding.ts';

/** By how much clocks may differ before it is said, and before it is a problem, in milliseconds. */
const tolerated = { warning: 2_000, problem: 30_000 };

/** A clock, named as in "the API server's clock". */
export interface NamedClock {
  owner: string;
  /** Missing when it isn't known. */
  reading: ClockReading | undefined;
}

/** Whether clocks agree with each other and with this machine's. */
export function checkClocks(clocks: readonly NamedClock[]): Finding[] {
  const check = new Check('ClocksAgree', 'clocks');
  const known = clocks.flatMap(({ owner, reading }) => (reading ? [{ owner, reading }] : []));
  const unknown = clocks.flatMap(({ owner, reading }) =>
    reading ? [] : [check.notTried(`${owner}'s clock: it doesn't say what time it is`)],
  );
  const all = [...known, { owner: 'this machine', reading: { least: 0, most: 0 } }];
  const found = all.flatMap((one, index) => all.slice(index + 1).flatMap((other) => compare(check, one, other)));
  if (found.length > 0 || known.length === 0) return [...found, ...unknown];
  const names = all.map(({ owner }) => owner).join(', ');
  return [check.ok(`${names.replace(/, ([^,]*)$/, ' and $1')} have the same time, to within 2 s`), ...unknown];
}

function compare(check: Check, one: Required<NamedClock>, other: Required<NamedClock>): Finding[] {
  if (!one.reading || !other.reading) return [];
  const apart = difference(one.reading, other.reading);
  if (Math.abs(apart) < tolerated.warning) return [];
  const direction = apart > 0 ? 'ahead of' : 'behind';
  const message = `the clock of ${one.owner} is ${Math.round(Math.abs(apart) / 1_000)} s ${direction} that of ${other.owner}`;
  const advice =
    'set both by a time server (timedatectl, chronyc tracking): Leases, certificates and tokens depend on the time';
  return [Math.abs(apart) < tolerated.problem ? check.warning(message, advice) : check.problem(message, advice)];
}
