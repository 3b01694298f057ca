import { expect, it } from 'vitest';
import { findAnnotationFault, findLabelFault } from './labels.ts';

it('accepts the labels and annotations that Kubernetes accepts', () => {
  const labels = { app: 'a', 'app.kubernetes.io/name': 'My_App-1.0', Empty: '', [`x/${'a'.repeat(63)}`]: '1' };
  expect(findLabelFault(labels)).toBeUndefined();
  expect(findAnnotationFault({ ...labels, 'Example.org/Note': 'any text\nof any length' })).toBeUndefined();
});

it.each([
  ['an empty key', '', 'v'],
  ['a space', 'a b', 'v'],
  ['a name that is too long', 'a'.repeat(64), 'v'],
  ['a prefix that is not a DNS name', 'A_b/c', 'v'],
  ['an empty prefix', '/a', 'v'],
  ['two prefixes', 'a/b/c', 'v'],
])('refuses a key with %s', (_, key, value) => {
  expect(findLabelFault({ good: 'x', [key]: value })).toMatchObject({
    key,
    message: expect.stringContaining('is not a valid key'),
  });
  expect(findAnnotationFault({ [key]: value })).toMatchObject({
    key,
    message: expect.stringContaining('is not a valid key'),
  });
});

it.each(['a b', '-a', 'a-', 'ä', 'a'.repeat(64)])('refuses the label value %s', (value) => {
  expect(findLabelFault({ version: value })).toMatchObject({
    key: 'version',
    message: expect.stringContaining('must be at most 63 letters'),
  });
});

it('refuses annotations that are too large together', () => {
  const half = 'x'.repeat(140 * 1024);
  expect(findAnnotationFault({ a: half })).toBeUndefined();
  expect(findAnnotationFault({ a: half, b: half })?.message).toContain('larger than 262,144 bytes');
});
