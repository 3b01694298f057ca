import type { BuiltFile } from './built-file.ts';

/** Size that all files together may have, compressed, in bytes. */
const budget = 150_000;

/** Describes the size of the page. Throws if it is larger than it may be. */
export function describeSize(files: readonly BuiltFile[], limit = budget): string {
  const total = files.reduce((sum, { gzip }) => sum + gzip.length, 0);
  const parts = files.map(({ path, gzip }) => `${path} ${kilobytes(gzip.length)}`).join(', ');
  const text = `${kilobytes(total)} of ${kilobytes(limit)} compressed (${parts})`;
  if (total > limit) throw new Error(`the page is too large: ${text}`);
  return text;
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1000).toFixed(1)} KB`;
}
