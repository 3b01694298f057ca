import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { inTurn } from './in-turn.ts';

it('does the work in a folder one after the other, also after work that failed', async () => {
  let underWay = 0;
  const work = (fails: boolean) => async () => {
    underWay++;
    expect(underWay).toBe(1);
    await sleep(20);
    underWay--;
    if (fails) throw new Error('it failed');
  };
  const made = await Promise.allSettled([true, false, false].map((fails) => inTurn(import.meta.dirname, work(fails))));
  expect(made.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
});
