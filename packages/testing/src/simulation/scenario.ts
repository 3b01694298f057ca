import type { DelegationDeclaration } from '@kplug/controller';
import fc from 'fast-check';
import { api, delegation, options, tables, views } from './kinds.ts';

/** Properties of a run that its commands don't change, besides the first declaration of the delegation. */
export interface Scenario {
  declaration: Declaration;
  /** Seed of `Math.random`. */
  noise: number;
}

/** Settings of the delegation that matter to the invariants. */
export interface Declaration {
  mode: 'one' | 'all';
  fallback: 'any' | 'none';
  handOver: 'retain' | 'finalize';
  whenPluginGone: 'wait' | 'fallback' | 'release';
  finalize: boolean;
  /** Accepted versions of the plugin API. */
  range: '^1.0.0' | '^2.0.0';
  /** Label that tables must have to be delegated. */
  team: 'red' | undefined;
  concurrency: number;
}

/** Times of the delegation, in milliseconds. Nothing hides a missed change: a resync comes later than the end of a run. */
export const times = {
  deadline: 5_000,
  resync: 3_600_000,
  minRequeueInterval: 1_000,
  backOff: { initial: 200, max: 10_000 },
  releaseAfter: 20_000,
};

/** Scenarios that fast-check generates. */
export const anyScenario: fc.Arbitrary<Scenario> = fc.record({
  declaration: fc.record({
    mode: fc.constantFrom('one', 'one', 'one', 'all'),
    fallback: fc.constantFrom('any', 'any', 'none'),
    handOver: fc.constantFrom('retain', 'finalize'),
    whenPluginGone: fc.constantFrom('wait', 'wait', 'fallback', 'release'),
    finalize: fc.constantFrom(true, true, true, false),
    range: fc.constant('^1.0.0'),
    team: fc.constant(undefined),
    concurrency: fc.constantFrom(1, 2, 8),
  }),
  noise: fc.noShrink(fc.integer()),
});

/** Writes a declaration as an operator's author does. */
export function declare(declaration: Declaration): DelegationDeclaration {
  const { mode, fallback, handOver, whenPluginGone, finalize, range, team, concurrency } = declaration;
  const { deadline, resync, minRequeueInterval, backOff, releaseAfter } = times;
  return {
    name: delegation,
    base: tables,
    api: `${api}@${range}`,
    ...(team && { labels: { team } }),
    extensions: { kinds: [options] },
    dependents: { kinds: [views] },
    selection: { mode, fallback },
    deadline,
    resync,
    minRequeueInterval,
    backOff,
    concurrency,
    finalize: { needed: finalize, whenPluginGone, releaseAfter },
    handOver,
  };
}
