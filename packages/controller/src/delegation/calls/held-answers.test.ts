import { expect, it } from 'vitest';
import { limits } from '../../limits/limits.ts';
import { HeldAnswers, type Validity } from './held-answers.ts';

const validity = (more: Partial<Validity> = {}): Validity => ({
  inputs: ['a'],
  until: performance.now() + 60_000,
  requeueAt: undefined,
  ...more,
});

it('holds an answer for equal input until its time is over, or another call is requested', () => {
  const held = new HeldAnswers().of('users');
  held.hold(validity());
  expect(held.find(() => ['a'])).toBeDefined();
  expect(held.find(() => ['b'])).toBeUndefined();
  expect(held.find(() => ['a', 'a'])).toBeUndefined();
  held.hold(validity({ until: performance.now() - 1 }));
  expect(held.find(() => ['a'])).toBeUndefined();
  held.hold(validity({ requeueAt: performance.now() - 1 }));
  expect(held.find(() => ['a'])).toBeUndefined();
  held.hold(validity());
  held.end();
  expect(held.find(() => ['a'])).toBeUndefined();
});

it('reads the input only if an answer may hold', () => {
  const held = new HeldAnswers().of('users');
  const fail = () => {
    throw new Error('the input was read');
  };
  expect(held.find(fail)).toBeUndefined();
  held.hold(validity({ until: performance.now() - 1 }));
  expect(held.find(fail)).toBeUndefined();
});

it('holds nothing that was dropped, even during the pass', () => {
  const answers = new HeldAnswers();
  const pass = answers.of('users');
  answers.drop('users');
  pass.hold(validity());
  expect(answers.of('users').find(() => ['a'])).toBeUndefined();
});

it('forgets resources without a held answer, and the oldest ones when there are many', () => {
  const answers = new HeldAnswers();
  answers.of('none');
  answers.endPass('none');
  expect(answers.get('none')).toBeUndefined();
  const { maxHeldAnswers } = limits.delegation;
  for (let index = 0; index <= maxHeldAnswers; index++) {
    answers.of(`${index}`).hold(validity());
    answers.endPass(`${index}`);
  }
  expect(answers.get('0')).toBeUndefined();
  expect(answers.get('1')).toBeDefined();
});
