import { describe, expect, it } from 'vitest';
import { entryNameOf } from './entry-name.ts';

const operator = 'kplug-system';

describe('the name of an entry', () => {
  it('has the category, the type and the namespace of the operator, in lower case', () => {
    expect(entryNameOf({ category: 'Database', type: 'PostgreSQL', operator })).toBe(
      'database.postgresql.kplug-system',
    );
  });

  it('is another one for each category and type, whatever plugins call theirs', () => {
    const pairs = [
      ['a.b', 'c'],
      ['a', 'b.c'],
      ['a-b', 'c'],
      ['a_b', 'c'],
      ['a', 'b-c'],
      ['a', 'b_c'],
      ['a-', 'c'],
      ['a', 'c'],
    ] as const;
    const names = pairs.map(([category, type]) => entryNameOf({ category, type, operator }));
    expect(new Set(names).size).toBe(pairs.length);
    // A plugin can't take the name of another capability by naming its type after the digest.
    const digest = names[0]?.split('.')[2] ?? '';
    const posing = ['c', `c.${digest}`, `c-${digest}`].map((type) => entryNameOf({ category: 'a-b', type, operator }));
    expect(posing).not.toContain(names[0]);
  });

  it('is a DNS subdomain within the limit of Kubernetes, for the longest texts', () => {
    const text = `${'x_.'.repeat(20)}xyz`;
    const name = entryNameOf({ category: text, type: text, operator: 'n'.repeat(63) });
    expect(name.length).toBeLessThanOrEqual(253);
    expect(name).toMatch(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/);
  });
});
