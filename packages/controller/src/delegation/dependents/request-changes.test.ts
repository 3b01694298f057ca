import { expect, it } from 'vitest';
import type { JsonObject, Resource } from '../../resources/resource.ts';
import type { Gathered } from '../extensions/gather.ts';
import type { Claim } from './claims.ts';
import { describeInstability, RequestChanges } from './request-changes.ts';

const base = 'myorg.org/v1/Table/default/users';

const gather = (generation: number, extensionGeneration = 1) =>
  ({
    base: { metadata: { uid: 'a', generation } } as Resource,
    extensions: new Map([['x', { metadata: { uid: 'b', generation: extensionGeneration } } as Resource]]),
  }) as unknown as Gathered;

const claim = (name: string, spec: JsonObject = {}, policy: 'Apply' | 'CreateOnly' = 'Apply') =>
  ({ key: `myorg.org/v1/View/default/${name}`, content: { fields: { spec } }, rules: { policy } }) as unknown as Claim;

const describe = (changes: number, differences: string[]) => describeInstability({ changes, differences })?.message;

it('counts changes in a row, and says what differs from the second one on', () => {
  const requests = new RequestChanges();
  const record = (...claims: Claim[]) => requests.record(base, gather(1), claims);
  expect(record(claim('a'))).toEqual({ changes: 0, differences: [] });
  expect(record(claim('b'))).toMatchObject({ changes: 1 });
  expect(record(claim('a', { rows: 1, nested: { x: 1, y: [1] } }))).toEqual({
    changes: 2,
    differences: ['View default/a is new', 'View default/b is missing'],
  });
  expect(record(claim('a', { rows: 2, nested: { x: 1, y: [2] } }))).toEqual({
    changes: 3,
    differences: ['View default/a differs in spec.rows, spec.nested.y'],
  });
  expect(record(claim('a', { rows: 2, nested: { x: 1, y: [2] } }))).toEqual({ changes: 0, differences: [] });
});

it('starts again with a change of the base or an extension, and when the base is gone', () => {
  const requests = new RequestChanges();
  let content = 0;
  const changesWith = (gathered: Gathered) =>
    requests.record(base, gathered, [claim('a', { content: ++content })]).changes;
  expect([changesWith(gather(1)), changesWith(gather(1)), changesWith(gather(1))]).toEqual([0, 1, 2]);
  expect([changesWith(gather(2)), changesWith(gather(2))]).toEqual([0, 1]);
  expect(changesWith(gather(2, 2))).toBe(0);
  expect(changesWith(gather(2, 2))).toBe(1);
  requests.forget(base);
  expect(changesWith(gather(2, 2))).toBe(0);
});

it('ignores the content of what is only created', () => {
  const requests = new RequestChanges();
  for (const password of [1, 2, 3]) {
    expect(requests.record(base, gather(1), [claim('a', { password }, 'CreateOnly')])).toMatchObject({ changes: 0 });
  }
});

it('is a failure after ten changes, which names the first three differences', () => {
  expect(describe(9, ['a'])).toBeUndefined();
  expect(describe(10, ['a', 'b', 'c', 'd'])).toBe(
    'each of the last 11 calls requested other dependents, although nothing else changed: a; b; c; 1 more',
  );
});
