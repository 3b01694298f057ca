import { isDeepStrictEqual } from 'node:util';
import { formatJson } from '@kplug/protocol';

/** Returns the differences of two JSON values, each as `path: before → after`; at most `limit`, none when they are equal. */
export function differences(before: unknown, after: unknown, limit = 10): string[] {
  return [...walk(before, after, '')].slice(0, limit);
}

function* walk(before: unknown, after: unknown, path: string): Generator<string> {
  if (isDeepStrictEqual(before, after)) return;
  if (!isContainer(before) || !isContainer(after) || Array.isArray(before) !== Array.isArray(after)) {
    yield `${path || '.'}: ${show(before)} → ${show(after)}`;
    return;
  }
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  for (const key of [...keys].sort()) yield* walk(before[key], after[key], `${path}.${key}`);
}

function isContainer(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function show(value: unknown): string {
  const text = value === undefined ? 'nothing' : formatJson(value);
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}
