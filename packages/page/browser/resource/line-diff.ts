import { diffLines } from 'diff';

/** A line of a text, compared with an earlier text. */
export interface DiffLine {
  readonly kind: 'same' | 'added' | 'removed' | 'skipped';
  readonly text: string;
}

/** Texts that differ in more lines aren't compared, as that takes too long. */
const maxEdits = 600;

/** Equal lines that are shown around a change. */
const context = 3;

/** Compares two texts by lines; undefined if they differ in too many. Long equal parts are skipped, with the number of their lines. */
export function compareLines(before: string, after: string): DiffLine[] | undefined {
  const changes = diffLines(before, after, { maxEditLength: maxEdits });
  if (!changes) return undefined;
  const lines = changes.flatMap(({ value, added, removed }) =>
    value
      .replace(/\n$/, '')
      .split('\n')
      .map((text): DiffLine => ({ kind: added ? 'added' : removed ? 'removed' : 'same', text })),
  );
  return skipEqual(lines);
}

function skipEqual(lines: readonly DiffLine[]): DiffLine[] {
  const isNear = new Array<boolean>(lines.length).fill(false);
  for (const [index, { kind }] of lines.entries()) {
    if (kind !== 'same') isNear.fill(true, Math.max(0, index - context), index + context + 1);
  }
  const result: DiffLine[] = [];
  let skipped = 0;
  const endSkip = () => {
    if (skipped > 0) result.push({ kind: 'skipped', text: `${skipped} equal ${skipped === 1 ? 'line' : 'lines'}` });
    skipped = 0;
  };
  for (const [index, line] of lines.entries()) {
    if (!isNear[index]) {
      skipped++;
      continue;
    }
    endSkip();
    result.push(line);
  }
  endSkip();
  return result;
}
