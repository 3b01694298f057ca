/** POSIX classes of Go's regular expressions. */
const classes: Readonly<Record<string, string>> = {
  alnum: 'A-Za-z0-9',
  alpha: 'A-Za-z',
  digit: '0-9',
  lower: 'a-z',
  space: '\\s',
  upper: 'A-Z',
  word: '\\w',
  xdigit: '0-9A-Fa-f',
};

/** Compiles a regular expression of a schema, which has Go's syntax. Returns `undefined` for one that JavaScript does not have. */
export function compilePattern(pattern: string): RegExp | undefined {
  const source = pattern
    .replaceAll(/\[:(\w+):\]/g, (whole, name: string) => classes[name] ?? whole)
    .replaceAll('(?P<', '(?<')
    .replace(/^\\A/, '^')
    .replace(/\\z$/, '$')
    .replace(/^(\^?)\(\?([ims]+)\)(.*)$/s, '$1(?$2:$3)');
  // Without `u`, escapes of characters that need none are allowed, as in Go.
  for (const flags of ['u', '']) {
    try {
      return new RegExp(source, flags);
    } catch {
      // The next flags may allow the pattern.
    }
  }
  return undefined;
}
