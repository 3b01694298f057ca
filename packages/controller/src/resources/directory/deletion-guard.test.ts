import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DeletionGuard, type DeletionLimits, needConfirmation, readDeletionLimits } from './deletion-guard.ts';
import type { UndefinedResource } from './desired-state.ts';
import { digestOf, type PendingDeletion, readHeldDeletions, writeConfirmation } from './held-deletions.ts';
import { tableKey } from './testing.ts';

const defaults: DeletionLimits = { maxDeletions: 50, maxDeletionsThreshold: 10 };

function deletions(...names: string[]): UndefinedResource[] {
  return names.map((name) => ({ key: tableKey(name), uid: `uid-${name}`, source: `${name}.yaml`, createdAt: 0 }));
}

function many(count: number): UndefinedResource[] {
  return deletions(...Array.from({ length: count }, (_, index) => `t${index}`));
}

/** Removes what isn't stored. */
function stored(all: UndefinedResource[]): PendingDeletion[] {
  return all.map(({ createdAt: _, ...deletion }) => deletion);
}

it.each([
  [0, 100, {}, false],
  [5, 10, {}, false],
  [6, 10, {}, true],
  [9, 9, {}, false],
  [100, 100, {}, true],
  [100, 100, { maxDeletions: 100 }, false],
  [1, 100, { maxDeletions: 0 }, true],
  [0, 100, { maxDeletions: 0 }, false],
  [2, 3, { maxDeletionsThreshold: 3 }, true],
])('decides whether %i of %i deletions need a confirmation with %j', (count, total, limits, expected) => {
  expect(needConfirmation({ deletions: many(count), total }, { ...defaults, ...limits })).toBe(expected);
});

it('counts the deletions of the last seconds', () => {
  expect(needConfirmation({ deletions: many(3), total: 9 }, defaults, 2)).toBe(false);
  expect(needConfirmation({ deletions: many(3), total: 7 }, defaults, 3)).toBe(true);
});

it('asks for a confirmation of any deletion when the directory is empty', () => {
  expect(
    needConfirmation({ deletions: many(1), total: 1, isDirectoryEmpty: true }, { ...defaults, maxDeletions: 100 }),
  ).toBe(true);
  expect(needConfirmation({ deletions: [], total: 1, isDirectoryEmpty: true }, defaults)).toBe(false);
});

it.each([{ maxDeletions: -1 }, { maxDeletions: 101 }, { maxDeletionsThreshold: 0 }])('rejects %j', (options) => {
  expect(() => readDeletionLimits(options)).toThrow(expect.objectContaining({ code: 'InvalidConfiguration' }));
});

it('identifies a set of deletions whatever its order', () => {
  const [a, b] = deletions('a', 'b');
  if (!a || !b) throw new Error('missing');
  expect(digestOf([a, b])).toBe(digestOf([b, a]));
  expect(digestOf([a, b])).not.toBe(digestOf([a, { ...b, uid: 'other' }]));
  expect(digestOf([a])).not.toBe(digestOf([a, b]));
});

describe('DeletionGuard', () => {
  let folder: string;
  let guard: DeletionGuard;
  let logged: string[];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kplug-guard-'));
    logged = [];
    guard = make();
  });

  afterEach(() => rm(folder, { recursive: true }));

  function make(): DeletionGuard {
    const logger = pino({}, { write: (line) => void logged.push(JSON.parse(line).msg) });
    return new DeletionGuard({ directory: 'tables', folder, logger, ...defaults });
  }

  it('admits a few deletions, and holds many', async () => {
    expect(await guard.admit({ deletions: many(5), total: 10 })).toHaveLength(5);
    expect(guard.problems()).toEqual([]);
    guard = make();
    expect(await guard.admit({ deletions: many(6), total: 10 })).toEqual([]);
    expect(guard.problems()).toEqual([
      {
        file: 'tables',
        message:
          'No file defines 6 of 10 resources any more: Table default/t0, Table default/t1, Table default/t2 and 3 more. Their deletion is ' +
          'held; restore the files, or delete the resources with: kplug manifests confirm --manifests tables',
      },
    ]);
    expect(await readHeldDeletions(folder)).toEqual(stored(many(6)));
  });

  it('holds what is left of many deletions that are made one after the other', async () => {
    const all = many(10);
    const admitted: number[] = [];
    for (let left = 10; left > 4; left -= 1) {
      admitted.push((await guard.admit({ deletions: all.slice(left - 1, left), total: left })).length);
    }
    expect(admitted).toEqual([1, 1, 1, 1, 1, 0]);
    expect(guard.isHolding).toBe(true);
  });

  it('admits the deletions of resources that come and go one after the other', async () => {
    for (let index = 0; index < 50; index++) {
      const [deletion] = deletions(`t${index}`) as [UndefinedResource];
      const pending = [{ ...deletion, createdAt: Date.now() - 1_000 }];
      expect(await guard.admit({ deletions: pending, total: 2 })).toHaveLength(1);
    }
  });

  it('holds further deletions with the held ones, and those that are left when some files are restored', async () => {
    await guard.admit({ deletions: many(6), total: 10 });
    expect(await guard.admit({ deletions: many(7), total: 10 })).toEqual([]);
    expect(await guard.admit({ deletions: many(1), total: 10 })).toEqual([]);
    expect(await readHeldDeletions(folder)).toEqual(stored(many(1)));
    expect(await guard.admit({ deletions: [], total: 10 })).toEqual([]);
    expect(guard.isHolding).toBe(false);
    expect(await readdir(folder)).toEqual([]);
    expect(await guard.admit({ deletions: many(1), total: 10 })).toHaveLength(1);
  });

  it('holds them after a restart, too', async () => {
    await guard.admit({ deletions: many(6), total: 10 });
    guard = make();
    await guard.load();
    expect(await guard.admit({ deletions: many(2), total: 10 })).toEqual([]);
    expect(guard.problems()[0]?.message).toContain('2 of 10');
  });

  it('admits confirmed deletions, whether or not they were held before', async () => {
    for (const isHeld of [true, false]) {
      if (isHeld) await guard.admit({ deletions: many(6), total: 10 });
      await writeConfirmation(folder, many(6));
      expect(await guard.hasConfirmation()).toBe(true);
      expect(await guard.admit({ deletions: many(6), total: 10 })).toHaveLength(6);
      expect(await readdir(folder)).toEqual([]);
      expect(guard.isHolding).toBe(false);
    }
    expect(logged).toEqual(['The held deletions were confirmed']);
  });

  it.each([
    ['more', 7],
    ['fewer', 5],
  ])('refuses a confirmation of other deletions when there are %s now', async (_, count) => {
    await guard.admit({ deletions: many(6), total: 10 });
    await writeConfirmation(folder, many(6));
    expect(await guard.admit({ deletions: many(count), total: 10 })).toEqual([]);
    expect(guard.isHolding).toBe(true);
    expect(await guard.hasConfirmation()).toBe(false);
    expect(logged).toEqual(['The deletions have changed since they were confirmed; confirm them again']);
  });

  it('forgets a confirmation when nothing is to be deleted any more', async () => {
    await writeConfirmation(folder, many(6));
    await guard.admit({ deletions: [], total: 10 });
    expect(await guard.hasConfirmation()).toBe(false);
    expect(await guard.admit({ deletions: many(6), total: 10 })).toEqual([]);
  });

  it('takes an invalid confirmation for none', async () => {
    await writeFile(join(folder, 'confirmed-deletions.json'), 'torn');
    expect(await guard.admit({ deletions: many(6), total: 10 })).toEqual([]);
  });

  it('rejects when the held deletions cannot be stored, and stores them later', async () => {
    await rm(folder, { recursive: true });
    await expect(guard.admit({ deletions: many(6), total: 10 })).rejects.toThrow();
    expect(guard.isHolding).toBe(true);
    folder = await mkdtemp(join(tmpdir(), 'kplug-guard-'));
  });
});
