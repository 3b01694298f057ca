import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../resources/resource.ts';
import { isEmptySelector, readLabelSelector } from './label-selector.ts';

const matches = (selector: JsonObject, labels: Record<string, string>) => readLabelSelector(selector)(labels);
const expression = (key: string, operator: string, ...values: string[]) => ({
  matchExpressions: [{ key, operator, ...(values.length > 0 && { values }) }],
});

describe('a label selector', () => {
  it('needs all of its labels and expressions', () => {
    const selector = { matchLabels: { owner: 'me', tier: 'dev' }, ...expression('pinned', 'DoesNotExist') };
    expect(matches(selector, { owner: 'me', tier: 'dev', more: '' })).toBe(true);
    expect(matches(selector, { owner: 'me' })).toBe(false);
    expect(matches(selector, { owner: 'me', tier: 'dev', pinned: '' })).toBe(false);
  });

  it.each([
    [expression('a', 'In', '1', '2'), { a: '2' }, true],
    [expression('a', 'In', '1'), {}, false],
    [expression('a', 'NotIn', '1'), {}, true],
    [expression('a', 'NotIn', '1'), { a: '1' }, false],
    [expression('a', 'Exists'), { a: '' }, true],
    [expression('a', 'Exists'), {}, false],
    // Names of what every object has.
    [expression('constructor', 'Exists'), {}, false],
    [expression('toString', 'DoesNotExist'), {}, true],
  ])('%j with %j: %s', (selector, labels, expected) => {
    expect(matches(selector, labels as Record<string, string>)).toBe(expected);
  });

  it.each([
    [[], 'must be an object'],
    [{ labels: {} }, 'unknown field labels'],
    [{ matchLabels: { a: 1 } }, 'must be a string'],
    [{ matchLabels: { 'a b': 'c' } }, 'the label "a b"'],
    [expression('a', 'In'), 'In and NotIn take values'],
    [expression('a', 'Exists', '1'), 'and others none'],
    [expression('a', 'Gt', '1'), 'In and NotIn take values'],
    [expression('a', 'Like'), 'operator must be'],
    [{ matchLabels: Object.fromEntries(Array.from({ length: 17 }, (_, at) => [`l${at}`, ''])) }, 'more than 16'],
    [expression('a', 'In', ...Array.from({ length: 65 }, String)), 'more than 64 values'],
  ])('%j is refused: %s', (selector, fault) => {
    expect(() => readLabelSelector(selector as JsonObject)).toThrow(fault);
  });

  it('is empty without labels and expressions', () => {
    expect([{}, { matchLabels: {} }, { matchLabels: {}, matchExpressions: [] }].every(isEmptySelector)).toBe(true);
    expect([{ matchLabels: { a: '' } }, expression('a', 'Exists'), undefined].some(isEmptySelector)).toBe(false);
  });
});
