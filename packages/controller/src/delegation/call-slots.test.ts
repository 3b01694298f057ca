import { expect, it } from 'vitest';
import { CallSlots } from './call-slots.ts';

it('limits the calls of each plugin, first come, first served', async () => {
  const slots = new CallSlots(2);
  const started: string[] = [];
  const ends = new Map<string, PromiseWithResolvers<void>>();
  const results = ['a1', 'a2', 'a3', 'a4', 'b1'].map((call) =>
    slots.run(call.slice(0, 1), () => {
      started.push(call);
      const end = Promise.withResolvers<void>();
      ends.set(call, end);
      return end.promise;
    }),
  );
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  expect(started).toEqual(['a1', 'a2', 'b1']);
  ends.get('a2')?.reject(new Error('it failed'));
  await expect(results[1]).rejects.toThrow('it failed');
  await settle();
  expect(started).toEqual(['a1', 'a2', 'b1', 'a3']);
  ends.get('a1')?.resolve();
  ends.get('a3')?.resolve();
  await settle();
  expect(started).toEqual(['a1', 'a2', 'b1', 'a3', 'a4']);
});
