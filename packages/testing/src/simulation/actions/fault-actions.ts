import fc from 'fast-check';
import { options, tables, views } from '../kinds.ts';
import type { WriteFault } from '../write-faults.ts';
import type { Action } from './action.ts';

const writeFaults: fc.Arbitrary<WriteFault> = fc.record(
  {
    fate: fc.constantFrom('refused', 'refused', 'lost', 'slow', 'late'),
    kind: fc.constantFrom('status', 'status', 'add finalizer', 'remove finalizer', 'apply dependent'),
    count: fc.integer({ min: 1, max: 4 }),
  },
  { requiredKeys: ['fate', 'count'] },
);

/** Writes fail, are slow, or lose their answers. */
export const failWrites: fc.Arbitrary<Action> = writeFaults.map((fault) => ({
  actor: 'fault',
  text: `${fault.count} writes${fault.kind ? ` (${fault.kind})` : ''} will be ${fault.fate}`,
  run: ({ cluster }) => cluster.faults.add(fault),
}));

/** The schema refuses the statuses of plugins, or accepts them again. */
export const refuseAnswers: fc.Arbitrary<Action> = fc.constantFrom(
  {
    actor: 'fault',
    text: 'the schema refuses the statuses of plugins',
    run: ({ cluster }) => {
      cluster.faults.refusesAnswers = true;
    },
  },
  {
    actor: 'fault',
    text: 'writes succeed again',
    run: ({ cluster }) => cluster.faults.clear(),
  },
);

/** Watch events are lost until the watch is restored with a list. */
export const breakWatch: fc.Arbitrary<Action> = fc.constantFrom(tables, options, views).map((kind) => ({
  actor: 'fault',
  text: `the watch of ${kind.kind} breaks`,
  run: ({ cluster }) => cluster.breakWatches(kind),
}));

/** Watches are restored, or repeat an event. */
export const restoreWatches: fc.Arbitrary<Action> = fc.constantFrom(
  {
    actor: 'fault',
    text: 'the watches are restored',
    run: ({ cluster }) => cluster.restoreWatches(),
  },
  {
    actor: 'fault',
    text: 'the watches repeat an event',
    run: ({ cluster }) => cluster.repeatEvents(),
  },
);
