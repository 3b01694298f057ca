import { isInt64, narrowInteger, readNumber } from '@kplug/protocol';

/** Value of a scalar. `infinite` is a value that JSON doesn't have: infinity or not a number. */
export type KubectlScalar =
  | { kind: 'string'; value: string }
  | { kind: 'null'; value: null }
  | { kind: 'bool'; value: boolean }
  | { kind: 'int'; value: bigint }
  | { kind: 'float'; value: number }
  | { kind: 'infinite'; value: '.inf' | '-.inf' | '.nan' };

const words = new Map<string, KubectlScalar>([
  ...forms('y yes on true', (text) => [text, { kind: 'bool', value: true }]),
  ...forms('n no off false', (text) => [text, { kind: 'bool', value: false }]),
  ...forms('null', (text) => [text, { kind: 'null', value: null }]),
  ...forms('inf', (text) => [`.${text}`, { kind: 'infinite', value: '.inf' }]),
  ...forms('inf', (text) => [`+.${text}`, { kind: 'infinite', value: '.inf' }]),
  ...forms('inf', (text) => [`-.${text}`, { kind: 'infinite', value: '-.inf' }]),
  ...['.nan', '.NaN', '.NAN'].map((text): Form => [text, { kind: 'infinite', value: '.nan' }]),
  ['', { kind: 'null', value: null }],
  ['~', { kind: 'null', value: null }],
]);

/** Integer in decimal, octal with a leading zero, or with the prefix of a base. */
const integer = /^([-+]?)(0[xX][0-9a-fA-F]+|0[oO]?[0-7]+|0[bB][01]+|0|[1-9][0-9]*)$/;
const isLongDecimal = /^[1-9][0-9]{20}/;
const float = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;
const fraction = /^\.[0-9]+(?:_[0-9]+)*(?:[eE][-+]?[0-9]+)?$/;
const maxUint64 = 2n ** 64n - 1n;

/**
 * Reads an unquoted scalar without a tag as `kubectl` does: `yes` is true, and `017` and `0o17` are 15. No version of YAML has the same
 * rules.
 */
export function readPlainScalar(text: string): KubectlScalar {
  const word = words.get(text);
  if (word) return word;
  if (/^[-+0-9]/.test(text)) return readNumeric(text.replaceAll('_', '')) ?? { kind: 'string', value: text };
  if (fraction.test(text)) return floatOf(text.replaceAll('_', '')) ?? { kind: 'string', value: text };
  return { kind: 'string', value: text };
}

/** Returns a number as the API server stores it: as an integer if it has no fraction and fits in 64 bits. */
export function storedNumber(
  scalar: { kind: 'int'; value: bigint } | { kind: 'float'; value: number },
): number | bigint {
  return scalar.kind === 'int' ? narrowInteger(scalar.value) : readNumber(JSON.stringify(scalar.value));
}

/** Returns the key that `kubectl` makes of a float, rounded to 32 bits. */
export function floatKey(value: number): string {
  const rounded = Math.fround(value);
  if (!Number.isFinite(rounded)) return rounded > 0 ? '.inf' : '-.inf';
  if (rounded === 0) return Object.is(rounded, -0) ? '-0' : '0';
  const precisions = Array.from({ length: 9 }, (_, digits) => rounded.toExponential(digits));
  const shortest = precisions.find((text) => Math.fround(Number(text)) === rounded) ?? String(rounded);
  const [mantissa = '', exponent = '0'] = shortest.split('e');
  const power = Number(exponent);
  const digits = mantissa.replace(/[-.]/g, '').length;
  if (power < -4 || power >= 6)
    return `${mantissa}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
  return Number(shortest).toFixed(Math.max(0, digits - 1 - power));
}

type Form = [string, KubectlScalar];

/** Returns the entries of words in lower case, upper case and with a capital. */
function forms(list: string, entry: (text: string) => Form): Form[] {
  return list
    .split(' ')
    .flatMap((word) => [word, word.toUpperCase(), word.charAt(0).toUpperCase() + word.slice(1)])
    .map(entry);
}

function readNumeric(text: string): KubectlScalar | undefined {
  const [, sign = '', digits = ''] = integer.exec(text) ?? [];
  // A longer number is a float, whose digits need not be converted.
  if (digits && !isLongDecimal.test(digits)) {
    const isOctal = /^0[0-7]/.test(digits);
    const magnitude = BigInt(isOctal ? `0o${digits.slice(1)}` : digits);
    const value = sign === '-' ? -magnitude : magnitude;
    if (isInt64(value) || (sign === '' && value <= maxUint64)) return { kind: 'int', value };
  }
  return float.test(text) ? floatOf(text) : undefined;
}

function floatOf(text: string): KubectlScalar | undefined {
  const value = Number(text);
  return Number.isFinite(value) ? { kind: 'float', value } : undefined;
}
