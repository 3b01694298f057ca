import { type ClockReading, difference } from './clock-reading.ts';
import { Check, type Finding } from './finding.ts';

/** Differences of clocks from which a finding is a warning or a problem, in milliseconds. */
const thresholds = { warning: 2_000, problem: 30_000 };

/** Clock of a machine. */
export interface NamedClock {
  owner: string;
  /** Missing if it is unknown. */
  reading: ClockReading | undefined;
}

/** Checks that clocks agree with each other and with that of this machine. */
export function checkClocks(clocks: readonly NamedClock[]): Finding[] {
  const check = new Check('ClocksAgree', 'clocks');
  const known = clocks.flatMap(({ owner, reading }) => (reading ? [{ owner, reading }] : []));
  const unknown = clocks.flatMap(({ owner, reading }) =>
    reading ? [] : [check.notTried(`the clock of ${owner}: its answers have no Date header`)],
  );
  const all = [...known, { owner: 'this machine', reading: { min: 0, max: 0 } }];
  const found = all.flatMap((one, index) => all.slice(index + 1).flatMap((other) => compare(check, one, other)));
  if (found.length > 0 || known.length === 0) return [...found, ...unknown];
  const names = all.map(({ owner }) => owner).join(', ');
  return [check.ok(`${names.replace(/, ([^,]*)$/, ' and $1')} have clocks within 2 s of each other`), ...unknown];
}

function compare(check: Check, one: Required<NamedClock>, other: Required<NamedClock>): Finding[] {
  if (!one.reading || !other.reading) return [];
  const apart = difference(one.reading, other.reading);
  if (Math.abs(apart) < thresholds.warning) return [];
  const direction = apart > 0 ? 'ahead of' : 'behind';
  const message = `the clock of ${one.owner} is ${Math.round(Math.abs(apart) / 1_000)} s ${direction} that of ${other.owner}`;
  const advice =
    'synchronize both with a time server (timedatectl, chronyc tracking): Leases, certificates and tokens depend on the time';
  return [Math.abs(apart) < thresholds.problem ? check.warning(message, advice) : check.problem(message, advice)];
}
