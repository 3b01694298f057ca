import { beforeEach, expect, it, vi } from 'vitest';
import { Transitions } from './transitions.ts';

let settled: ReturnType<typeof vi.fn<() => void>>;
let transitions: Transitions;

beforeEach(() => {
  settled = vi.fn();
  transitions = new Transitions(settled);
});

it('moves to an aim once, and says when it is reached', async () => {
  const move = vi.fn(async () => undefined);
  expect(transitions.aim('a', 'up', move)).toBe(false);
  expect(transitions.aim('a', 'up', move)).toBe(false);
  await transitions.whenIdle();
  expect(transitions.aim('a', 'up', move)).toBe(true);
  expect(move).toHaveBeenCalledOnce();
  expect(settled).toHaveBeenCalledOnce();
});

it('ends what moves to one aim before it moves to another', async () => {
  const order: string[] = [];
  const begun = Promise.withResolvers<void>();
  transitions.aim('a', 'up', async (signal) => {
    begun.resolve();
    await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  });
  await begun.promise;
  transitions.aim('a', 'sideways', async () => void order.push('sideways'));
  transitions.aim('a', 'down', async () => void order.push('down'));
  transitions.aim('b', 'up', async () => void order.push('b'));
  await transitions.whenIdle();
  expect(order.sort()).toEqual(['b', 'down']);
  expect(transitions.aim('a', 'down', async () => undefined)).toBe(true);
  // What was given up isn't settled.
  expect(settled).toHaveBeenCalledTimes(2);
});

it('tells of a failure once, and then tries anew', async () => {
  transitions.aim('a', 'up', () => Promise.reject(new Error('no')));
  await transitions.whenIdle();
  expect(() => transitions.aim('a', 'up', async () => undefined)).toThrow('no');
  expect(transitions.aim('a', 'up', async () => undefined)).toBe(false);
  await transitions.whenIdle();
  expect(transitions.aim('a', 'up', async () => undefined)).toBe(true);
});
