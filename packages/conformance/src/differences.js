import { isDeepStrictEqual } from 'node:util';
/** Where two JSON values differ, each as `path: before → after`, at most so many. Empty when they are equal. */
export function differences(before, after, limit = 10) {
  return [...walk(before, after, '')].slice(0, limit);
}
function* walk(before, after, path) {
  if (isDeepStrictEqual(before, after)) return;
  if (!isContainer(before) || !isContainer(after) || Array.isArray(before) !== Array.isArray(after)) {
    yield `${path || '.'}: ${show(before)} → ${show(after)}`;
    return;
  }
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  for (const key of [...keys].sort()) yield* walk(before[key], after[key], `${path}.${key}`);
}
function isContainer(value) {
  return typeof value === 'object' && value !== null;
}
function show(value) {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}
//# sourceMappingURL=differences.js.map
