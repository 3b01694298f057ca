const telling = /(?:^|[^\w/-])\w*(?:error|exception|panic|fatal)\b(?!-)/i;

/** The line that says most of why a process ended: the last one that speaks of an error, or else the last one. */
export function tellingLine(lines: readonly string[]): string | undefined {
  return lines.findLast((line) => telling.test(line) && !/^\s+at /.test(line)) ?? lines.at(-1);
}
