import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limits } from '../limits/limits.ts';
import { sortSliced } from './sort-sliced.ts';
import { SortedPages } from './sorted-pages.ts';

const { pageSize, maxPageSize, maxPageBytes } = limits.admin;

function listOf(names: Set<string>): SortedPages<string> {
  return new SortedPages({
    collect: async (add) => [...names].forEach(add),
    positionOf: (name) => [name],
    positionLength: 1,
    exists: (name) => names.has(name),
  });
}

const named = (count: number) => new Set(Array.from({ length: count }, (_, index) => `item-${index}`));

describe('SortedPages', () => {
  it('has a default and a maximum size of pages', async () => {
    const pages = listOf(named(3_000));
    const all = () => true;
    expect((await pages.read({ pageSize: 0, pageToken: '' }, all))?.items).toHaveLength(pageSize);
    expect((await pages.read({ pageSize: 100_000, pageToken: '' }, all))?.items).toHaveLength(maxPageSize);
  });

  it('ends a page before it is too large, with at least one item', async () => {
    const names = named(6);
    const pages = new SortedPages<string>({
      collect: async (add) => [...names].forEach(add),
      positionOf: (name) => [name],
      positionLength: 1,
      exists: () => true,
      sizeOf: (name) => (name === 'item-5' ? 2 * maxPageBytes : maxPageBytes / 2),
    });
    const sizes: number[] = [];
    for (let pageToken: string | undefined; pageToken !== ''; ) {
      const page = await pages.read({ pageSize: 0, pageToken: pageToken ?? '' }, () => true);
      sizes.push(page?.items.length ?? 0);
      pageToken = page?.nextPageToken ?? '';
    }
    expect(sizes).toEqual([2, 2, 1, 1]);
  });

  it('has no token after the last page', async () => {
    const pages = listOf(named(4));
    const first = await pages.read({ pageSize: 2, pageToken: '' }, () => true);
    const second = await pages.read({ pageSize: 2, pageToken: first?.nextPageToken ?? '' }, () => true);
    expect(second).toEqual({ items: ['item-2', 'item-3'], nextPageToken: '' });
  });

  it.each(['?', 'W10', 'WzFd', 'WyJhIiwiYiJd'])('reads no page for the malformed token %s', async (pageToken) => {
    expect(await listOf(named(4)).read({ pageSize: 2, pageToken }, () => true)).toBeUndefined();
  });

  it('returns each item that exists all the time once, in order, while others come and go', async () => {
    const name = fc.string({ minLength: 1, maxLength: 3 });
    const change = fc.record({ added: fc.array(name), removed: fc.array(name), isOther: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(name),
        fc.array(change),
        fc.integer({ min: 1, max: 5 }),
        async (initial, changes, size) => {
          const names = new Set(initial);
          const lasting = new Set(initial);
          const pages = listOf(names);
          const read: string[] = [];
          let pageToken = '';
          do {
            const page = await pages.read({ pageSize: size, pageToken }, () => true);
            read.push(...(page?.items ?? []));
            pageToken = page?.nextPageToken ?? '';
            const { added = [], removed = [], isOther = false } = changes.shift() ?? {};
            for (const one of added) names.add(one);
            for (const one of removed) {
              names.delete(one);
              lasting.delete(one);
            }
            // Another client starts to read the same list.
            if (isOther) await pages.read({ pageSize: 1, pageToken: '' }, () => true);
          } while (pageToken);
          expect(read).toEqual([...new Set(read)].sort());
          expect([...lasting].filter((one) => !read.includes(one))).toEqual([]);
        },
      ),
    );
  });
});

describe('sortSliced', () => {
  it('sorts as Array.sort does', async () => {
    const items = Array.from({ length: 10_000 }, (_, index) => ({ key: (index * 7_919) % 1_009, index }));
    const compare = (a: { key: number }, b: { key: number }) => a.key - b.key;
    expect(await sortSliced(items, compare)).toEqual(items.toSorted(compare));
    expect(await sortSliced([], compare)).toEqual([]);
  });
});
