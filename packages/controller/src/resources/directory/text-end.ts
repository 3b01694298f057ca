/**
 * End of the text of a manifest file.
 *
 * - `complete`: the last line has ended, or the text ends with a closing bracket.
 * - `open line`: the last line has no line break, so more of it may follow.
 * - `separator`: `---` is the last line, so another document may follow.
 */
export type TextEnd = 'complete' | 'open line' | 'separator';

/** Returns the end of a YAML or JSON text. A text may be complete nevertheless: not every program ends the last line. */
export function endOf(text: string): TextEnd {
  const lines = text.split(/\r?\n/);
  const last = lines.findLast((line) => !isBlank(line)) ?? '';
  if (/^---\s*(#.*)?$/.test(last)) return 'separator';
  const isOpen = !isBlank(lines.at(-1) ?? '') && !/[}\]]\s*$/.test(last);
  return isOpen ? 'open line' : 'complete';
}

/** Reports whether a line has nothing but white space or a comment. */
function isBlank(line: string): boolean {
  return /^\s*(#.*)?$/.test(line);
}
