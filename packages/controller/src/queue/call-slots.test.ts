import { expect, it } from 'vitest';
import { type CallSlot, CallSlots } from './call-slots.ts';

const address = '127.0.0.1:7000';

/** Takes a slot, and records its name when it has it. */
function take(slots: CallSlots, name: string, limit: number, started: string[]): Promise<CallSlot> {
  return slots.take(address, limit).then((slot) => {
    started.push(name);
    return slot;
  });
}

it('starts waiting calls in order, as many at a time as the limit allows', async () => {
  const slots = new CallSlots();
  const started: string[] = [];
  const first = await take(slots, 'a', 2, started);
  const second = await take(slots, 'b', 2, started);
  const third = take(slots, 'c', 2, started);
  const fourth = take(slots, 'd', 2, started);
  expect([slots.waiting(address), slots.totalWaiting]).toEqual([2, 2]);
  first[Symbol.dispose]();
  await third;
  expect(started).toEqual(['a', 'b', 'c']);
  second[Symbol.dispose]();
  await fourth;
  expect(slots.waiting(address)).toBe(0);
});

it('lets no call with a higher limit overtake a waiting one', async () => {
  const slots = new CallSlots();
  const started: string[] = [];
  const first = await take(slots, 'a', 1, started);
  const second = take(slots, 'b', 1, started);
  const third = take(slots, 'c', 9, started);
  first[Symbol.dispose]();
  (await second)[Symbol.dispose]();
  await third;
  expect(started).toEqual(['a', 'b', 'c']);
});

it('counts each address separately', async () => {
  const slots = new CallSlots();
  await slots.take(address, 1);
  await slots.take('127.0.0.1:7001', 1);
  expect(slots.waiting(address)).toBe(0);
});

it('rejects waiting calls when it is closed', async () => {
  const slots = new CallSlots();
  using _ = await slots.take(address, 1);
  const waiting = slots.take(address, 1);
  slots.close();
  await expect(waiting).rejects.toMatchObject({ code: 'Stopped' });
  await expect(slots.take(address, 1)).rejects.toMatchObject({ code: 'Stopped' });
});
