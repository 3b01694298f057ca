import { expect, it } from 'vitest';
import { Cleanup } from './cleanup.ts';

it('undoes in the reverse order, also after a step that failed', async () => {
  const undone: string[] = [];
  const cleanup = new Cleanup();
  cleanup.defer(() => undone.push('first'));
  cleanup.defer(() => {
    throw new Error('failed');
  });
  cleanup.use({ [Symbol.asyncDispose]: async () => void undone.push('last') });
  await expect(cleanup[Symbol.asyncDispose]()).rejects.toThrow('failed');
  expect(undone).toEqual(['last', 'first']);
});
