/** Constructs of JavaScript and Python that Go's regular expressions lack: look-around, back-references, atomic groups. */
const unsupported = /\(\?(?:[=!>]|<[=!])|\\[1-9]|\\k<|\\[cZ]|[*+?}]\+/;

/** Largest repetition count of Go's regular expressions. */
const maxRepetition = 1000;

/** Converts a pattern of a JSON Schema to Go's syntax, which the API server uses. Returns `undefined` for one that Go doesn't have. */
export function toGoPattern(pattern: string): string | undefined {
  const isTooLong = [...pattern.matchAll(/\{(\d+)(?:,(\d*))?\}/g)].some(
    ([, min, max]) => Number(max || min) > maxRepetition,
  );
  if (unsupported.test(pattern) || isTooLong) return undefined;
  return pattern.replaceAll(/\\u\{([0-9A-Fa-f]+)\}|\\u([0-9A-Fa-f]{4})/g, (_, braced?: string, plain?: string) => {
    return `\\x{${braced ?? plain ?? ''}}`;
  });
}
