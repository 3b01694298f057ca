import { expect, it } from 'vitest';
import { formatKey } from '../resources/resource.ts';
import { findRootCause } from './root-cause.ts';
import type { TraceNode } from './trace-node.ts';

/** Returns the key of a resource, by `Kind namespace/name` or `Kind name`. */
function keyFor(text: string): string {
  const [kind = '', place = ''] = text.split(' ');
  const [name = '', namespace = ''] = place.split('/').reverse();
  return formatKey({ apiVersion: 'myorg.org/v1', kind, namespace, name });
}

const node = (name: string, given: Partial<TraceNode> = {}): TraceNode => ({
  relation: 'base',
  key: keyFor(name),
  name,
  since: undefined,
  state: undefined,
  ready: 'False',
  reason: '',
  message: '',
  children: [],
  ...given,
});
const dependent = (name: string, reason: string) => node(name, { relation: 'dependent', reason });
const extension = (name: string) => node(name, { relation: 'extension', reason: 'Progressing' });

const causeOf = (base: TraceNode) => findRootCause(base).at(-1)?.name;

it('finds no cause for a resource that is ready', () => {
  expect(causeOf(node('Table a', { ready: 'True', children: [extension('Style b')] }))).toBeUndefined();
});

it('prefers a dependent that failed to one that makes progress, and never names one that only waits', () => {
  const children = [dependent('Set a', 'Waiting'), dependent('Set b', 'Progressing'), dependent('Set c', 'Failed')];
  const base = node('Table a', { reason: 'DependentFailed', children });
  expect(causeOf(base)).toBe('Set c');
  expect(causeOf({ ...base, children: children.slice(0, 2) })).toBe('Set b');
  expect(causeOf({ ...base, children: children.slice(0, 1) })).toBe('Table a');
});

it('names an extension only if the message does, by its kind and its whole name', () => {
  const base = (message: string) => node('Table a', { message, children: [extension('Style default/b')] });
  expect(causeOf(base('waiting for Style default/b'))).toBe('Style default/b');
  expect(causeOf(base('the Style "b" is not ready.'))).toBe('Style default/b');
  expect(causeOf(base('Style b.'))).toBe('Style default/b');
  expect(causeOf(base('waiting for Style b-2'))).toBe('Table a');
  expect(causeOf(base('b failed'))).toBe('Table a');
});

it('names a plugin that is unreachable', () => {
  const plugin = node('Sets 1.0.0', { relation: 'plugin', reason: 'Unreachable' });
  expect(causeOf(node('Table a', { reason: 'NoPlugin', children: [plugin] }))).toBe('Sets 1.0.0');
});

it('goes on at a dependent that is delegated, whatever its reason is', () => {
  const inner = node('Table b', { relation: 'dependent', state: 'waiting', reason: 'NoPlugin' });
  const base = node('Table a', { reason: 'DependentsNotReady', children: [dependent('Set c', 'Waiting'), inner] });
  expect(findRootCause(base).map(({ name }) => name)).toEqual(['Table a', 'Table b']);
});
