import { expect, it } from 'vitest';
import { limits } from '../limits/limits.ts';
import { visitAll } from './slices.ts';

/** Blocks for a time in milliseconds. */
function block(duration: number): void {
  const until = performance.now() + duration;
  while (performance.now() < until);
}

it('visits a few items synchronously', () => {
  const visited: number[] = [];
  void visitAll([1, 2, 3], (item) => visited.push(item));
  expect(visited).toEqual([1, 2, 3]);
});

it('lets the event loop run between the slices of a long walk', async () => {
  const items = Array.from({ length: 20 * limits.queue.minSliceItems }, (_, index) => index);
  const visited: number[] = [];
  let turns = 0;
  let isOver = false;
  const turn = () => {
    turns++;
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  await visitAll(items, (item) => {
    block(1);
    visited.push(item);
  });
  isOver = true;
  expect(visited).toEqual(items);
  expect(turns).toBeGreaterThan(10);
});

it('ends when its signal is aborted', async () => {
  const stopping = new AbortController();
  const visited: number[] = [];
  const visit = (item: number) => {
    visited.push(item);
    if (item === 2) stopping.abort();
  };
  await visitAll([1, 2, 3], visit, stopping);
  expect(visited).toEqual([1, 2]);
});

it('rejects with the error of a visit', async () => {
  const visit = () => {
    throw new Error('broken');
  };
  await expect(visitAll([1], visit)).rejects.toThrow('broken');
});
