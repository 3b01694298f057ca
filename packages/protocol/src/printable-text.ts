/** Text of which nothing has to be escaped, for nearly all texts. */
const plainAscii = /^[ -~]*$/;

/**
 * Characters that a terminal or a reader of a log would obey or not see: control characters (C0, C1), format characters (changes of
 * direction, zero width), line and paragraph separators, invisible fillers, and halves of surrogate pairs. The variation selectors of emoji
 * are harmless.
 */
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]|(?![\ufe0e\ufe0f])\p{DI}/u;
const allUnprintable = new RegExp(unprintable.source, 'gu');

/** Characters that break or indent a line. */
const breaks = /[\t-\r\u0085\u2028\u2029]+/g;

/** Reports whether a text has only characters that can be shown as they are, on one line. */
export function isPrintable(text: string): boolean {
  return plainAscii.test(text) || !unprintable.test(text);
}

/**
 * Makes a text of any origin safe for a terminal, a log or a message, on one line: line breaks and tabs become a space, and other
 * characters that aren't printable become visible, such as `\u001b`. Applying it again changes nothing.
 *
 * @param maxLength maximum length, in characters; a longer text is cut and ends with `…`. Default: none.
 */
export function printable(text: string, maxLength = Number.POSITIVE_INFINITY): string {
  const cut = shorten(text, maxLength);
  if (plainAscii.test(cut)) return cut.trim();
  return shorten(cut.replaceAll(breaks, ' ').replaceAll(allUnprintable, escapeCharacter).trim(), maxLength);
}

/** As `printable`, for a text of several lines: line breaks and the indentation stay. */
export function printableLines(text: string): string {
  if (plainAscii.test(text)) return text;
  return text
    .split('\n')
    .map((line) => line.replaceAll('\t', '  ').replace(/\r$/, '').replaceAll(allUnprintable, escapeCharacter))
    .join('\n');
}

/** Colours and styles that Kplug's own output has: bold, dim, the colours, and their ends. */
const ownStyle = new RegExp(`(${String.fromCharCode(27)}\\[(?:[012]|22|3[0-7]|39|9[0-7])m)`);

/** As `printableLines`, for the output of a program that has colours itself: these stay if `isStyled`. */
export function printableOutput(text: string, isStyled: boolean): string {
  if (!isStyled) return printableLines(text);
  const parts = text.split(ownStyle);
  return parts.map((part, index) => (index % 2 === 1 ? part : printableLines(part))).join('');
}

/** Escapes the characters of a JSON text that aren't printable. The text has the same value. */
export function printableJson(json: string): string {
  return json.replaceAll(allUnprintable, (character) =>
    character === '\n'
      ? character
      : Array.from({ length: character.length }, (_, at) => unitAt(character, at)).join(''),
  );
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Escapes a text for XML, on one line. XML 1.0 has no way to express control characters, so they become visible. */
export function escapeXml(text: string): string {
  return printable(text).replaceAll(/[&<>"]/g, (character) => entities[character] ?? character);
}

function escapeCharacter(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return code > 0xffff ? `\\u{${code.toString(16)}}` : unitAt(character, 0);
}

function unitAt(character: string, index: number): string {
  return `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`;
}

function shorten(text: string, maxLength: number): string {
  return text.length > maxLength ? `${text.slice(0, maxLength - 1).replace(/[\ud800-\udbff]$/, '')}…` : text;
}
