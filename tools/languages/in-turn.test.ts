import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { inTurn } from './in-turn.ts';

it('runs work in a folder one after the other, also after a failure', async () => {
  let running = 0;
  const work = (fails: boolean) => async () => {
    running++;
    expect(running).toBe(1);
    await sleep(20);
    running--;
    if (fails) throw new Error('a failure');
  };
  const made = await Promise.allSettled([true, false, false].map((fails) => inTurn(import.meta.dirname, work(fails))));
  expect(made.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
});
