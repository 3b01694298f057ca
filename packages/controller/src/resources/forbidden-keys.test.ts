import { describe, expect, it } from 'vitest';
import { hasForbiddenKey, isForbiddenKey } from './forbidden-keys.ts';

describe('forbidden keys', () => {
  it.each(['__proto__', 'constructor', 'prototype'])('%s is one, at any depth', (key) => {
    expect(isForbiddenKey(key)).toBe(true);
    expect(hasForbiddenKey(JSON.parse(`{"a":[{"b":{"${key}":1}}]}`))).toBe(true);
  });

  it('are neither values nor other keys', () => {
    expect(isForbiddenKey('toString')).toBe(false);
    expect(hasForbiddenKey({ a: ['__proto__'], constructors: null })).toBe(false);
  });
});
