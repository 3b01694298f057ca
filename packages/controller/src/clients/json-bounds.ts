/** Bounds of a JSON text. They are checked on its bytes, before anything parses or walks it. */
export interface JsonBounds {
  /** Largest size, in bytes. */
  maxSize: number;
  /** Largest depth of nested objects and lists. */
  maxDepth: number;
  /** Largest number of values: objects, lists, strings, numbers and literals, at all depths. */
  maxValues: number;
  /** Largest length of a key, in bytes. */
  maxKeyLength: number;
}

const quote = 0x22;
const comma = 0x2c;
const colon = 0x3a;
const openBracket = 0x5b;
const backslash = 0x5c;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/** Checks the bounds of a JSON text. Returns its number of values, or a description of the first bound that it exceeds. */
export function checkJsonBounds(
  bytes: Uint8Array,
  bounds: JsonBounds,
): { values: number; excess?: never } | { excess: string; values?: never } {
  const { maxSize, maxDepth, maxValues, maxKeyLength } = bounds;
  if (bytes.length > maxSize)
    return { excess: `has ${format(bytes.length)} bytes; at most ${format(maxSize)} are allowed` };
  const { depth, values, keyLength } = measureJson(bytes, bounds);
  if (depth > maxDepth) return { excess: `is nested more than ${format(maxDepth)} levels deep` };
  if (values > maxValues) return { excess: `has more than ${format(maxValues)} values` };
  if (keyLength > maxKeyLength)
    return { excess: `has a key of ${format(keyLength)} bytes; at most ${format(maxKeyLength)} are allowed` };
  return { values };
}

/**
 * Measures a JSON text in one pass over its bytes, without building values or recursion, and stops at the first bound that it exceeds.
 * Malformed text is measured too; the parser reports it.
 */
function measureJson(bytes: Uint8Array, bounds: JsonBounds): JsonExtent {
  const extent = new JsonExtent(bounds);
  let stringLength = 0;
  for (let index = 0; index < bytes.length && !extent.isExceeded; index++) {
    const byte = bytes[index];
    if (byte === quote) {
      const start = index + 1;
      index = endOfString(bytes, start);
      stringLength = index - start;
    } else if (byte === colon) extent.addKey(stringLength);
    else if (byte === comma) extent.values++;
    else if (byte === openBrace || byte === openBracket) extent.open();
    else if (byte === closeBrace || byte === closeBracket) extent.close();
  }
  return extent;
}

/** Extent of a JSON text up to a byte. */
class JsonExtent {
  readonly #bounds: JsonBounds;
  #level = 0;
  depth = 0;
  values = 1;
  keyLength = 0;

  constructor(bounds: JsonBounds) {
    this.#bounds = bounds;
  }

  get isExceeded(): boolean {
    const { maxDepth, maxValues, maxKeyLength } = this.#bounds;
    return this.depth > maxDepth || this.values > maxValues || this.keyLength > maxKeyLength;
  }

  open(): void {
    this.values++;
    this.#level++;
    if (this.#level > this.depth) this.depth = this.#level;
  }

  close(): void {
    this.#level--;
  }

  addKey(length: number): void {
    if (length > this.keyLength) this.keyLength = length;
  }
}

/** Formats a number for people: `262,144`. */
function format(value: number): string {
  return value.toLocaleString('en');
}

/** Returns the index of the quotation mark that ends a string, or the length of the text. */
function endOfString(bytes: Uint8Array, start: number): number {
  for (let end = bytes.indexOf(quote, start); end >= 0; end = bytes.indexOf(quote, end + 1)) {
    if (!isEscaped(bytes, start, end)) return end;
  }
  return bytes.length;
}

/** Reports whether an odd number of backslashes precedes a byte of a string. */
function isEscaped(bytes: Uint8Array, start: number, index: number): boolean {
  let first = index;
  while (first > start && bytes[first - 1] === backslash) first--;
  return (index - first) % 2 === 1;
}
