import { beforeEach, expect, it, vi } from 'vitest';
import { Transitions } from './transitions.ts';

let settled: ReturnType<typeof vi.fn<() => void>>;
let transitions: Transitions;

beforeEach(() => {
  settled = vi.fn();
  transitions = new Transitions(settled);
});

it('runs a transition once, and reports when its target is reached', async () => {
  const move = vi.fn(async () => undefined);
  expect(transitions.start('a', 'up', move)).toBe(false);
  expect(transitions.start('a', 'up', move)).toBe(false);
  await transitions.whenIdle();
  expect(transitions.start('a', 'up', move)).toBe(true);
  expect(move).toHaveBeenCalledOnce();
  expect(settled).toHaveBeenCalledOnce();
});

it('ends one transition of an object before it starts another', async () => {
  const order: string[] = [];
  const begun = Promise.withResolvers<void>();
  transitions.start('a', 'up', async (signal) => {
    begun.resolve();
    await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  });
  await begun.promise;
  transitions.start('a', 'sideways', async () => void order.push('sideways'));
  transitions.start('a', 'down', async () => void order.push('down'));
  transitions.start('b', 'up', async () => void order.push('b'));
  await transitions.whenIdle();
  expect(order.sort()).toEqual(['b', 'down']);
  expect(transitions.start('a', 'down', async () => undefined)).toBe(true);
  // A cancelled transition isn't reported.
  expect(settled).toHaveBeenCalledTimes(2);
});

it('throws an error once, and then retries', async () => {
  transitions.start('a', 'up', () => Promise.reject(new Error('no')));
  await transitions.whenIdle();
  expect(() => transitions.start('a', 'up', async () => undefined)).toThrow('no');
  expect(transitions.start('a', 'up', async () => undefined)).toBe(false);
  await transitions.whenIdle();
  expect(transitions.start('a', 'up', async () => undefined)).toBe(true);
});
