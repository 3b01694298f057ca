import { expect, it } from 'vitest';
import { runInReverse } from './run-in-reverse.ts';

it('runs all steps in the reverse order, one after another', async () => {
  const done: string[] = [];
  const slow = async () => {
    await new Promise((resolve) => setImmediate(resolve));
    done.push('slow');
  };
  await runInReverse([() => done.push('last'), slow, () => done.push('first')]);
  expect(done).toEqual(['first', 'slow', 'last']);
});

it('runs the other steps after failures, and then rejects', async () => {
  const done: string[] = [];
  const fail = (message: string) => () => Promise.reject(new Error(message));
  const one = runInReverse([() => done.push('a'), fail('broken'), () => done.push('b')]);
  await expect(one).rejects.toThrow(/^broken$/);
  expect(done).toEqual(['b', 'a']);
  const several = runInReverse([fail('second'), fail('first')]);
  await expect(several).rejects.toMatchObject({
    message: '2 steps failed',
    errors: [{ message: 'first' }, { message: 'second' }],
  });
});
