import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { orderOf } from './order.ts';

describe('the order of dependents', () => {
  it.each([
    [
      [[], [], []],
      [0, 1, 2],
    ],
    [
      [[], [0], [1]],
      [0, 1, 2],
    ],
    [
      [[2], [0], []],
      [2, 0, 1],
    ],
    [
      [[], [3], [0], []],
      [0, 2, 3, 1],
    ],
  ])('for %j is %j', (requires, order) => {
    expect(orderOf(requires)).toEqual({ order });
  });

  it.each([
    [[[0]], [0, 0]],
    [
      [[1], [0]],
      [0, 1, 0],
    ],
    [
      [[], [2], [3], [1, 0]],
      [1, 2, 3, 1],
    ],
    [
      [[1], [2], [1]],
      [1, 2, 1],
    ],
  ])('for %j has the cycle %j', (requires, cycle) => {
    expect(orderOf(requires)).toEqual({ cycle });
  });

  it('has every node after those that it requires, or else there is a cycle', () => {
    const graphs = fc.array(fc.array(fc.nat(11), { maxLength: 3 }), { minLength: 12, maxLength: 12 });
    fc.assert(
      fc.property(graphs, (requires) => {
        const { order, cycle } = orderOf(requires);
        if (order) {
          expect(order.toSorted((a, b) => a - b)).toEqual([...requires.keys()]);
          for (const [position, node] of order.entries()) {
            for (const required of requires[node] ?? []) expect(order.indexOf(required)).toBeLessThan(position);
          }
          return;
        }
        expect(cycle?.length).toBeGreaterThan(1);
        expect(cycle?.at(0)).toBe(cycle?.at(-1));
        for (const [index, node] of cycle.slice(1).entries()) expect(requires[cycle[index] ?? -1]).toContain(node);
      }),
    );
  });
});
