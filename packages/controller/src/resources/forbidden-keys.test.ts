import { describe, expect, it } from 'vitest';
import { isForbiddenKey } from './forbidden-keys.ts';
import { findJsonFault, formatPath } from './json.ts';

describe('forbidden keys', () => {
  it.each(['__proto__', 'constructor', 'prototype'])('%s is one, at any depth', (key) => {
    expect(isForbiddenKey(key)).toBe(true);
    const fault = findJsonFault(JSON.parse(`{"a":[{"b":{"${key}":1}}]}`));
    expect(formatPath(fault?.path ?? [])).toBe(`a[0].b.${key}`);
  });

  it('are neither values nor other keys', () => {
    expect(isForbiddenKey('toString')).toBe(false);
    expect(findJsonFault({ a: ['__proto__'], constructors: null })).toBeUndefined();
  });
});
