import { Range, rcompare, satisfies } from 'semver';
// Imports internal modules, as the package doesn't export its parts.
import type { Implementation } from '../../packages/controller/src/registry/implementation.ts';
import { Registry } from '../../packages/controller/src/registry/registry.ts';
import { ManualClock, registrationOf } from '../../packages/controller/src/registry/testing.ts';
import { admitAll } from '../../packages/controller/src/selection/admission.ts';
import { parsePattern } from '../../packages/controller/src/selection/preference.ts';
import { type SelectionRules, select } from '../../packages/controller/src/selection/select.ts';
import type { Comparison, Report, Series } from '../report.ts';
import type { Conditions, Scenario } from '../scenario.ts';
import { median, medianRatio } from '../statistics.ts';

const apiRange = '^1.0.0';

const rules: SelectionRules = {
  admission: admitAll,
  apiRange: new Range(apiRange),
  capabilities: {},
  fallback: 'any',
  mode: 'one',
};

/** Preference of a resource, and whether a plugin of that name is registered. */
const requests = [
  { what: 'preferred plugin, with a range of versions', name: 'Plugin1', range: '>=1.1.0 <1.3.0' },
  { what: 'fallback', name: 'Absent', range: '^1.0.0' },
];

/** Time of one choice, by round, in microseconds. */
interface Rounds {
  ours: number[];
  naive: number[];
}

/** Choice among many candidates. */
export const selection: Scenario = {
  name: 'selection',
  async run({ quick, progress }: Conditions): Promise<Report> {
    const sizes = quick ? [10, 100, 1_000] : [10, 100, 1_000, 10_000];
    const rounds = quick ? 3 : 11;
    const batch = quick ? 3 : 30;
    const comparisons: Comparison[] = [];
    const series: Series[] = [];
    for (const [index, request] of requests.entries()) {
      const ours: Series = { what: request.what, isPeer: false, points: [] };
      const naive: Series = { what: `${request.what}: filter and sort`, isPeer: true, points: [] };
      series.push(ours, naive);
      for (const size of sizes) {
        progress(`${request.what} of ${size} candidates`);
        const found = compare(candidatesOf(size), request, rounds, batch);
        ours.points.push({ work: size, cost: median(found.ours) });
        naive.points.push({ work: size, cost: median(found.naive) });
        if (size === 1_000) comparisons[index] = comparison(request.what, found);
      }
    }
    return {
      name: 'selection',
      title: 'Selection',
      method: `One choice among 1,000 candidates, four versions of each of 250 plugins, with the reasons for all candidates; the
median of ${rounds} rounds. The peer is a naive implementation without reasons: it filters by \`semver.satisfies\`, and
sorts by weight, version and name. Both must make the same choice.`,
      comparisons,
      growth: [
        {
          name: 'time',
          title: 'Time of one choice by number of candidates',
          work: 'candidates',
          cost: 'µs',
          scale: 'logarithmic',
          series,
        },
      ],
      notes: [],
    };
  },
};

function comparison(what: string, { ours, naive }: Rounds): Comparison {
  return {
    what,
    unit: 'µs',
    figure: median(ours),
    peer: { what: 'filter and sort', figure: median(naive) },
    ratio: medianRatio(ours, naive),
    goal: { of: 'figure', is: 'below', value: 200 },
  };
}

function compare(
  candidates: readonly Implementation[],
  { name, range }: { name: string; range: string },
  rounds: number,
  batch: number,
): Rounds {
  const request = { preference: parsePattern(`${name}@${range}`), present: [] };
  const chooseOurs = () => select(candidates, rules, request).chosen[0];
  const chooseNaively = () => naiveChoice(candidates, name, range);
  if (chooseOurs() !== chooseNaively()) throw new Error(`the two ways chose differently for ${name}`);
  const found: Rounds = { ours: [], naive: [] };
  time(chooseOurs, batch);
  time(chooseNaively, batch);
  for (let round = 0; round < rounds; round++) {
    found.ours.push(time(chooseOurs, batch));
    found.naive.push(time(chooseNaively, batch));
  }
  return found;
}

function naiveChoice(candidates: readonly Implementation[], name: string, range: string): Implementation | undefined {
  const able = candidates.filter(
    ({ api, callable }) => callable.length > 0 && satisfies(api.version.version, apiRange),
  );
  const preferred = able.filter(
    ({ plugin, version }) => plugin.text.toLowerCase() === name.toLowerCase() && satisfies(version, range),
  );
  const contenders = preferred.length > 0 ? preferred : able;
  return contenders.sort(
    (a, b) => b.weight - a.weight || rcompare(a.version, b.version) || (a.plugin.text < b.plugin.text ? -1 : 1),
  )[0];
}

/** Measures the time of one call in microseconds, over at least `atLeast` milliseconds. */
function time(work: () => unknown, atLeast: number): number {
  const startedAt = performance.now();
  let calls = 0;
  let took = 0;
  do {
    work();
    calls++;
    took = performance.now() - startedAt;
  } while (took < atLeast);
  return (took / calls) * 1_000;
}

/** Creates four versions of many plugins, with an instance each. */
function candidatesOf(count: number): readonly Implementation[] {
  const registry = new Registry({ clock: new ManualClock() });
  for (let index = 0; index < count; index++) {
    registry.register(
      registrationOf({
        plugin: `Plugin${index >> 2}`,
        version: `1.${index & 3}.0`,
        apiVersion: `1.${index % 3}.0`,
        instanceId: `instance-${index}`,
      }),
    );
  }
  return registry.implementations('Table');
}
