import { secretWordSource } from './secret-names.ts';

/** What stands for a secret. */
export const mask = '(masked)';

const secretManifest = /kind["'\\]{0,4}\s{0,8}:\s{0,8}["'\\]{0,4}secret(?:list)?\b/i;

/** Reports whether a text has the manifest of a Secret, of which any part may be secret. */
export function isSecretManifest(text: string): boolean {
  return secretManifest.test(text);
}

/** Text without secrets, and the number of secrets that are masked in it. */
export interface MaskedText {
  text: string;
  masked: number;
}

/**
 * Masks the secrets in a text that have a known form: private keys, passwords in URLs, what follows `password=` or `token:` on its line, and
 * tokens of common services. Takes time in proportion to the length of the text, whatever it contains.
 */
export function maskText(given: string): MaskedText {
  if (isSecretManifest(given)) return { text: mask, masked: 1 };
  let masked = 0;
  let text = given;
  for (const find of [findPrivateKeys, findPasswordsOfUrls, findAssignments, findTokens]) {
    const ranges = find(text);
    masked += ranges.length;
    text = replaceAll(text, ranges);
  }
  return { text, masked };
}

/** Range of a text, without its end. */
type Range = readonly [start: number, end: number];

function replaceAll(text: string, ranges: readonly Range[]): string {
  if (ranges.length === 0) return text;
  const parts: string[] = [];
  let from = 0;
  for (const [start, end] of ranges) {
    parts.push(text.slice(from, start), mask);
    from = end;
  }
  return parts.join('') + text.slice(from);
}

/** Finds PEM blocks with private keys. One without an end extends to the end of the text. */
function findPrivateKeys(text: string): Range[] {
  const found: Range[] = [];
  for (let start = text.indexOf('-----BEGIN '); start >= 0; start = text.indexOf('-----BEGIN ', start)) {
    const label = text.slice(start + 11, start + 100).split('-----', 1)[0] ?? '';
    if (!label.includes('PRIVATE KEY')) {
      start += 11;
      continue;
    }
    const closing = text.indexOf('-----END ', start);
    const after = closing < 0 ? -1 : text.indexOf('-----', closing + 9);
    const end = after < 0 ? text.length : after + 5;
    found.push([start, end]);
    start = end;
  }
  return found;
}

/** Finds the passwords of URLs: what is between the first colon and the last `@` before a blank, a quote or an angle bracket. */
function findPasswordsOfUrls(text: string): Range[] {
  const found: Range[] = [];
  for (let scheme = text.indexOf('://'); scheme >= 0; scheme = text.indexOf('://', scheme)) {
    const start = scheme + 3;
    const end = endOf(/[\s"'`<>]/g, text, start);
    const url = text.slice(start, end);
    const colon = url.indexOf(':');
    const at = url.lastIndexOf('@');
    if (colon >= 0 && colon + 1 < at) found.push([start + colon + 1, start + at]);
    scheme = end;
  }
  return found;
}

/** Rest of a name, quotes, and the sign that separates it from a value. */
const separator = /[\w.-]{0,256}["'\\\]]{0,4}[ \t]{0,8}(?:=>?|:)[ \t]{0,8}/y;

const secretWord = new RegExp(secretWordSource, 'gi');

/** Finds the values that follow the name of a secret and a separator: to the closing quote, or the end of the line. */
function findAssignments(text: string): Range[] {
  const found: Range[] = [];
  secretWord.lastIndex = 0;
  for (let word = secretWord.exec(text); word; word = secretWord.exec(text)) {
    separator.lastIndex = secretWord.lastIndex;
    if (!separator.test(text)) continue;
    const range = valueAt(text, separator.lastIndex);
    if (!range) continue;
    found.push(range);
    secretWord.lastIndex = range[1];
  }
  return found;
}

/** Returns the range of a value that isn't empty. A value of a block of YAML is on the next lines, which are indented. */
function valueAt(text: string, start: number): Range | undefined {
  const quote = /^\\*["'`]/.exec(text.slice(start, start + 8))?.[0];
  if (quote !== undefined) {
    const from = start + quote.length;
    const closing = text.indexOf(quote, from);
    const end = closing < 0 ? text.length : closing;
    return end > from ? [from, end] : undefined;
  }
  let end = endOf(/[\r\n]/g, text, start);
  const value = text.slice(start, end).trim();
  const isBlock = /^(?:[|>][-+0-9]{0,3})?$/.test(value);
  if (isBlock) end = endOfBlock(text, end);
  return value === mask || text.slice(start, end).trim() === '' ? undefined : [start, end];
}

/** Returns the end of the lines that follow and are indented, empty, or items of a list. */
function endOfBlock(text: string, start: number): number {
  let end = start;
  while (end < text.length) {
    const line = end + 1;
    const next = text[line];
    const isOfBlock = next !== undefined && (/\s/.test(next) || (next === '-' && text[line + 1] === ' '));
    if (!isOfBlock) break;
    end = endOf(/\n/g, text, line);
  }
  return end;
}

const tokenLike = /[\w.~+/=-]{20,}/g;

/** Beginnings of the tokens of common services, of JSON web tokens, and of private keys in base64. */
const knownToken =
  /^(?:eyJ[\w-]{8}|gh[pousr]_|github_pat_|glpat-|xox[abprs]-|AKIA|ASIA|sk-|sk_live_|AIza|hv[sb]\.|npm_|dop_v1_)/;

const scheme = /\b(?:bearer|basic) {1,4}$/i;

/** Finds tokens of a known form, and those after a scheme of authentication. */
function findTokens(text: string): Range[] {
  const found: Range[] = [];
  for (const { 0: token, index } of text.matchAll(tokenLike)) {
    const isToken =
      knownToken.test(token) || isEncodedKey(token) || scheme.test(text.slice(Math.max(0, index - 12), index));
    if (isToken) found.push([index, index + token.length]);
  }
  return found;
}

/** Reports whether a token is the beginning of a PEM block with a private key, in base64. */
function isEncodedKey(token: string): boolean {
  return token.startsWith('LS0tLS1CRUdJTi') && Buffer.from(token.slice(0, 128), 'base64').includes('PRIVATE KEY');
}

/** Returns the index of the first match from an index on, or the length of the text. @param pattern expression with the flag `g`. */
function endOf(pattern: RegExp, text: string, start: number): number {
  pattern.lastIndex = start;
  return pattern.exec(text)?.index ?? text.length;
}
