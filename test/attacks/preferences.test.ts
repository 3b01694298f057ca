import { TestOperator } from '@kplug/testing';
import { expect, it } from 'vitest';
import { longestBlock, unitOfWork } from '../scale/loop-meter.fixture.ts';

/** Longest block of the event loop during an attack, in units of a computation that takes about a millisecond. */
const maxBlock = 50;

// Without the limit, a user's preference would block the operator of everybody for minutes: the time to parse a range grows with the square.
it('a preference with a version range of 500,000 characters is refused, and other resources are reconciled', async () => {
  const operator = await TestOperator.start();
  await operator.plugin({ name: 'Honest' });
  const block = await longestBlock(async () => {
    operator.table('victim', { preferredImplementation: `Honest@${'>1 '.repeat(170_000)}` });
    operator.table('honest', { preferredImplementation: 'Honest@^1' });
    await operator.expectReady('honest', 'Honest');
    await operator.expectCondition('victim', 'Ready', { status: 'False' });
  });
  const message = operator.condition('victim', 'Ready')?.message;
  expect(message).toMatch(/^.{0,40}"Honest@>1 .{0,20}…" has 510,007 characters; a plugin and its range may have 253/);
  expect(block / unitOfWork()).toBeLessThan(maxBlock);
});
