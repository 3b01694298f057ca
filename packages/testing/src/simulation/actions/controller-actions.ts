import fc from 'fast-check';
import type { Action } from './action.ts';

/** Another controller takes over, the controller restarts, or it stalls. */
export const changeController: fc.Arbitrary<Action> = fc.constantFrom(
  {
    actor: 'controller',
    text: 'loses its leadership, and another one takes over',
    run: (world) => {
      world.leader?.depose();
      world.startController();
    },
  },
  {
    actor: 'controller',
    text: 'stops, and another one starts',
    run: async (world) => {
      const { leader } = world;
      void leader?.stop();
      while (leader && !leader.isStopped) await world.pass(1_000);
      world.startController();
    },
  },
  {
    actor: 'controller',
    text: 'stalls for 20 s',
    run: (world) => world.stall(20_000),
  },
);

/** An author of the operator changes the delegation. */
export const changeDelegation: fc.Arbitrary<Action> = fc
  .constantFrom(
    { handOver: 'finalize' } as const,
    { handOver: 'retain' } as const,
    { fallback: 'none' } as const,
    { fallback: 'any' } as const,
    { team: 'red' } as const,
    { team: undefined } as const,
    { range: '^2.0.0' } as const,
    { range: '^1.0.0' } as const,
  )
  .map((change) => ({
    actor: 'controller',
    text: `the delegation changes: ${Object.entries(change).flat().join(' ')}`,
    run: (world) => world.changeDelegation(change),
  }));

/** Time passes. */
export const passTime: fc.Arbitrary<Action> = fc
  .constantFrom(10, 100, 250, 500, 1_000, 1_000, 2_000, 5_000, 20_000)
  .map((duration) => ({
    actor: 'time',
    text: `${duration} ms pass`,
    run: (world) => world.pass(duration),
  }));
