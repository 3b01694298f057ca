import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Lanes } from './lanes.ts';

/** Lanes of keys such as `a/default/users`: lane, group and name. */
function lanesOf(concurrency: number, isShared = false) {
  const lanes = new Lanes<string>(concurrency, {
    laneOf: (key) => key.split('/')[0] ?? '',
    groupOf: (key) => key.split('/')[1] ?? '',
    isShared: () => isShared,
  });
  const add = (...keys: string[]) => {
    for (const key of keys) lanes.add({ key, since: 0, urgent: key.endsWith('!') });
  };
  const takeAll = () => {
    const taken: string[] = [];
    for (let next = lanes.take(); next; next = lanes.take()) taken.push(next.key);
    return taken;
  };
  /** Takes one key after the other, each when the work on the former one has ended. */
  const drain = () => {
    const taken: string[] = [];
    for (let next = lanes.take(); next; next = lanes.take()) {
      taken.push(next.key);
      lanes.end(next.key);
    }
    return taken;
  };
  return { lanes, add, takeAll, drain };
}

const keysOf = (lane: string, count: number) => Array.from({ length: count }, (_, index) => `${lane}/default/${index}`);

describe('one lane', () => {
  it('returns keys in the order in which they were first added', () => {
    const lanes = new Lanes<string>(3);
    for (const key of ['a', 'b', 'a', 'c']) lanes.add({ key, since: 0, urgent: false });
    expect(lanes.size).toBe(3);
    const taken = Array.from({ length: 4 }, () => lanes.take()?.key);
    expect(taken).toEqual(['a', 'b', 'c', undefined]);
  });

  it('uses the whole concurrency while it is alone', () => {
    const { add, takeAll } = lanesOf(32);
    add(...keysOf('a', 100));
    expect(takeAll()).toHaveLength(32);
  });

  it('uses three quarters of the concurrency if others may need the rest', () => {
    const { add, takeAll } = lanesOf(32, true);
    add(...keysOf('a', 100));
    expect(takeAll()).toHaveLength(24);
  });

  it('takes urgent keys first, also one that becomes urgent, but another after each four of them', () => {
    const { lanes, add, drain } = lanesOf(1);
    add('a/x/1', 'a/x/2', ...Array.from({ length: 10 }, (_, index) => `a/x/${index}!`), 'a/x/3');
    lanes.add({ key: 'a/x/3', since: 0, urgent: true });
    const urgent = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, index) => `a/x/${from + index}!`);
    expect(drain()).toEqual([...urgent(0, 4), 'a/x/1', ...urgent(4, 8), 'a/x/2', ...urgent(8, 10), 'a/x/3']);
  });

  it('lets groups take turns', () => {
    const { add, drain } = lanesOf(1);
    add('a/x/1', 'a/x/2', 'a/x/3', 'a/y/1', 'a/z/1', 'a/y/2');
    expect(drain()).toEqual(['a/x/1', 'a/y/1', 'a/z/1', 'a/x/2', 'a/y/2', 'a/x/3']);
  });
});

describe('several lanes', () => {
  it.each([1, 2, 3, 8, 32, 1_000])('may always start a key each, with a concurrency of %d', (concurrency) => {
    const { add, takeAll } = lanesOf(concurrency);
    add(...keysOf('hung', 2_000));
    expect(takeAll()).toHaveLength(concurrency);
    for (const lane of ['a', 'b', 'c']) {
      add(`${lane}/default/1`);
      expect(takeAll()).toEqual([`${lane}/default/1`]);
    }
  });

  it('may always use their reserve, which the others cannot use up', () => {
    const { add, takeAll } = lanesOf(32);
    add(...keysOf('hung', 100));
    expect(takeAll()).toHaveLength(32);
    add(...keysOf('sound', 100));
    expect(takeAll()).toEqual(keysOf('sound', 4));
  });

  it('take turns beyond their reserve', () => {
    const { add, takeAll } = lanesOf(32);
    add(...keysOf('a', 100), ...keysOf('b', 100));
    const taken = takeAll();
    expect(taken.filter((key) => key.startsWith('a/'))).toHaveLength(16);
    expect(taken.filter((key) => key.startsWith('b/'))).toHaveLength(16);
  });

  it('skips lanes that may not start, and keeps the place of their keys', () => {
    const { lanes, add } = lanesOf(2, true);
    add('a/x/1', 'a/x/2', 'b/x/1');
    expect([lanes.take()?.key, lanes.take()?.key, lanes.take()]).toEqual(['a/x/1', 'b/x/1', undefined]);
    add('a/x/3');
    lanes.end('b/x/1');
    expect(lanes.take()).toBeUndefined();
    lanes.end('a/x/1');
    expect(lanes.take()?.key).toBe('a/x/2');
  });

  it('counts work to the lane that it enters', () => {
    const { lanes, add, takeAll } = lanesOf(8, true);
    add(...keysOf('a', 20));
    expect(takeAll()).toHaveLength(6);
    for (const key of keysOf('a', 6)) lanes.enter(key, 'b');
    expect(takeAll()).toHaveLength(2);
    add('b/default/new');
    expect(takeAll()).toEqual([]);
    for (const key of keysOf('a', 6)) lanes.end(key);
    expect(takeAll()).toContain('b/default/new');
  });

  it('moves a key whose lane has changed when it is due, added again or relocated', () => {
    const laneOf = new Map<string, string>();
    const lanes = new Lanes<string>(1, {
      laneOf: (key) => laneOf.get(key) ?? 'hung',
      groupOf: () => '',
      isShared: () => true,
    });
    for (const key of ['1', '2', '3', '4']) lanes.add({ key, since: 0, urgent: false });
    expect(lanes.take()?.key).toBe('1');
    for (const key of ['2', '3', '4']) laneOf.set(key, `sound-${key}`);
    expect(lanes.take()).toBeUndefined();
    lanes.add({ key: '2', since: 0, urgent: false });
    expect(lanes.take()?.key).toBe('2');
    lanes.relocate('3');
    expect(lanes.take()?.key).toBe('3');
    lanes.end('1');
    expect(lanes.take()?.key).toBe('4');
    expect(lanes.size).toBe(0);
  });
});

it('keeps its promises for any sequence of operations', () => {
  const key = fc
    .tuple(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('x', 'y'), fc.nat(9))
    .map((parts) => parts.join('/'));
  const operation = fc.oneof(
    { weight: 5, arbitrary: fc.record({ add: key, urgent: fc.boolean() }) },
    { weight: 4, arbitrary: fc.constant('take' as const) },
    { weight: 2, arbitrary: fc.record({ end: fc.nat() }) },
    { weight: 1, arbitrary: fc.record({ enter: fc.nat(), lane: fc.constantFrom('a', 'b', 'd') }) },
    { weight: 1, arbitrary: fc.record({ remove: key }) },
  );
  const properties = fc.property(fc.integer({ min: 1, max: 20 }), fc.array(operation), (concurrency, operations) => {
    const { lanes } = lanesOf(concurrency);
    const reserve = Math.max(1, Math.floor(concurrency / 8));
    const ready = new Set<string>();
    const active = new Map<string, string>();
    const activeIn = (lane: string) => [...active.values()].filter((one) => one === lane).length;
    const laneOf = (one: string) => one.split('/')[0] ?? '';
    const pick = (index: number) => [...active.keys()][index % active.size];
    const take = () => {
      const taken = lanes.take()?.key;
      if (taken === undefined) {
        // No lane is denied its reserve.
        expect([...ready].filter((one) => activeIn(laneOf(one)) < reserve)).toEqual([]);
        // Nothing waits for a free place.
        const isFree = active.size < concurrency && new Set([...ready].map(laneOf)).size > 1;
        expect(isFree).toBe(false);
        return;
      }
      expect(ready.delete(taken)).toBe(true);
      expect(active.has(taken)).toBe(false);
      if (active.size >= concurrency) expect(activeIn(laneOf(taken))).toBeLessThan(reserve);
      active.set(taken, laneOf(taken));
    };
    for (const step of operations) {
      if (step === 'take') take();
      else if ('add' in step && !active.has(step.add)) {
        lanes.add({ key: step.add, since: 0, urgent: step.urgent });
        ready.add(step.add);
      } else if ('remove' in step) {
        lanes.delete(step.remove);
        ready.delete(step.remove);
      } else if ('end' in step && active.size > 0) {
        const one = pick(step.end) ?? '';
        lanes.end(one);
        active.delete(one);
      } else if ('enter' in step && active.size > 0) {
        const one = pick(step.enter) ?? '';
        lanes.enter(one, step.lane);
        active.set(one, step.lane);
      }
      expect(lanes.size).toBe(ready.size);
    }
    // No key is lost.
    for (const one of [...active.keys()]) lanes.end(one);
    active.clear();
    while (ready.size > 0) {
      const before = ready.size;
      take();
      expect(ready.size).toBe(before - 1);
      for (const one of [...active.keys()]) lanes.end(one);
      active.clear();
    }
  });
  fc.assert(properties, { numRuns: 500 });
});

it('takes no group, and no key that is not urgent, much later than others', () => {
  const key = fc
    .tuple(fc.constantFrom('w', 'x', 'y', 'z'), fc.nat(200), fc.boolean())
    .map(([group, name, urgent]) => `a/${group}/${name}${urgent ? '!' : ''}`);
  const properties = fc.property(fc.uniqueArray(key, { minLength: 1, maxLength: 100 }), (keys) => {
    const { add, drain } = lanesOf(1);
    add(...keys);
    const taken = drain();
    expect([...taken].sort()).toEqual([...keys].sort());
    for (const urgent of [true, false]) {
      const groups = taken.filter((one) => one.endsWith('!') === urgent).map((one) => one.split('/')[1] ?? '');
      for (const [index, group] of groups.entries()) {
        const next = groups.indexOf(group, index + 1);
        // Between two turns of a group, each other group has at most one.
        if (next < 0) continue;
        const between = groups.slice(index + 1, next);
        expect(new Set(between).size).toBe(between.length);
      }
    }
    const routine = taken.findIndex((one) => !one.endsWith('!'));
    if (routine >= 0) expect(routine).toBeLessThanOrEqual(4);
  });
  fc.assert(properties, { numRuns: 300 });
});

it('takes 200,000 keys of 1,000 lanes and groups without slowing down', () => {
  const { add, drain } = lanesOf(1_000);
  const timeFor = (count: number) => {
    for (let index = 0; index < count; index++) add(`${index % 1_000}/${index % 777}/${index}`);
    const startedAt = performance.now();
    expect(drain()).toHaveLength(count);
    return (performance.now() - startedAt) / count;
  };
  timeFor(20_000);
  const few = timeFor(20_000);
  expect(timeFor(200_000)).toBeLessThan(10 * few);
});
