import { expect, it } from 'vitest';
import { compareEnds } from './equal-ends.ts';
import { simulate } from './simulate.ts';

/** Other tests run concurrently. */
const timeout = 600_000;

it('finds no violation in 10,000 steps', { timeout }, async () => {
  const fixed = await simulate({ steps: 7_500, seed: 1 });
  const seed = Math.floor(Math.random() * 2 ** 31);
  console.log(`simulating with the random seed ${seed}; repeat it with: pnpm simulate --steps 2500 --seed ${seed}`);
  const random = await simulate({ steps: 2_500, seed });
  expect(fixed.commands + random.commands).toBeGreaterThanOrEqual(10_000);
  // Few commands are without effect.
  expect(fixed.released).toBeGreaterThan(5 * fixed.commands);
});

it('ends in equal states when the same manifests and plugins are reached in two schedules', { timeout }, async () => {
  await compareEnds({ runs: 25, seed: 1 });
});

it('repeats the same histories with the same seed, and other ones with another seed', { timeout }, async () => {
  const historiesOf = async (seed: number) => {
    const histories: string[] = [];
    await simulate({ steps: 200, seed, onRun: ({ history }) => histories.push(history.format()) });
    return histories;
  };
  const first = await historiesOf(7);
  expect(first.length).toBeGreaterThan(2);
  expect(await historiesOf(7)).toEqual(first);
  expect(await historiesOf(8)).not.toEqual(first);
});
