import pg from 'pg';
import type { Change } from '../../plan.ts';

const { escapeIdentifier: quote } = pg;

export type TypeChange = Extract<Change, { kind: 'changeType' }>;

/** Kind of a type, for the choice of a conversion. */
type Family = 'integer' | 'decimal' | 'float' | 'text' | 'bytes' | 'bool' | 'timestamp' | 'json' | 'uuid' | 'other';

const families: [RegExp, Family][] = [
  [/^(smallint|integer|bigint)$/, 'integer'],
  [/^numeric\(\d+,0\)$/, 'integer'],
  [/^numeric/, 'decimal'],
  [/^double precision$/, 'float'],
  [/^(text|character varying(\(\d+\))?)$/, 'text'],
  [/^bytea$/, 'bytes'],
  [/^boolean$/, 'bool'],
  [/^timestamp with time zone$/, 'timestamp'],
  [/^jsonb$/, 'json'],
  [/^uuid$/, 'uuid'],
];

function familyOf(type: string): Family {
  return families.find(([pattern]) => pattern.test(type))?.[1] ?? 'other';
}

/**
 * Returns the conversion of a value in SQL; `undefined` if the types have no values in common. It may fail or lose data: compare the
 * value with the one that is converted back.
 */
export function conversion(value: string, from: string, to: string): string | undefined {
  const [source, target] = [familyOf(from), familyOf(to)];
  const convert = conversions[source]?.[target];
  if (convert) return convert(value, from, to);
  // The text form of a type is exact, and that of foreign types is all that is known.
  if (source === target || [source, target].some((family) => ['text', 'other'].includes(family))) {
    return `(${value})::text::${to}`;
  }
  return undefined;
}

/** Condition in SQL that two values of a type are equal. */
export function equality(a: string, b: string, type: string): string {
  // The text form distinguishes all values, except that of JSON, whose numbers can have trailing zeros.
  return familyOf(type) === 'json' ? `(${a}) = (${b})` : `(${a})::text COLLATE "C" = (${b})::text COLLATE "C"`;
}

type Convert = (value: string, from: string, to: string) => string;

const cast: Convert = (value, _, to) => `(${value})::${to}`;
const viaNumeric: Convert = (value, _, to) => `(${value})::numeric::${to}`;
// The cast from double precision to numeric rounds to 15 digits, unlike the text.
const viaText: Convert = (value, _, to) => `(${value})::text::${to}`;

/** Integers up to 2⁶⁴ that are equal to a float, digit by digit. */
const exactInteger: Convert = (value, _, to) =>
  `(CASE WHEN abs(${value}) < 9223372036854775808 OR (${value}) = -9223372036854775808 THEN (${value})::bigint::numeric
     ELSE ((${value}) - 9223372036854775808)::bigint::numeric + 9223372036854775808 END)::${to}`;

const toBool: Convert = (value) => `(CASE (${value}) WHEN 0 THEN false WHEN 1 THEN true END)`;
const fromBool: Convert = (value, _, to) => `(${value})::integer::${to}`;
const toJson: Convert = (value) => `to_jsonb(${value})`;

const numbers = { integer: cast, decimal: cast, float: cast, bool: toBool, json: toJson };

const conversions: Partial<Record<Family, Partial<Record<Family, Convert>>>> = {
  integer: numbers,
  decimal: numbers,
  float: { integer: exactInteger, decimal: viaText, bool: toBool, json: toJson },
  bool: { integer: fromBool, decimal: fromBool, float: fromBool, json: toJson },
  json: { integer: viaNumeric, decimal: viaNumeric, float: cast, bool: cast },
  text: { bytes: (value) => `convert_to(${value}, 'UTF8')` },
  bytes: {
    text: (value, _, to) => `convert_from(${value}, 'UTF8')::${to}`,
    other: (value, _, to) => `(${value})::${to}`,
  },
};

/** Expression for the new value of a column in `ALTER COLUMN … TYPE … USING`. */
export function newValue({ name, from, type }: TypeChange): string {
  return conversion(quote(name), from, type) ?? `NULL::${type}`;
}
