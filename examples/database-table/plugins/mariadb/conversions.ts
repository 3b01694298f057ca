/** Kind of a type, for the choice of a comparison. */
type Family = 'integer' | 'decimal' | 'float' | 'text' | 'bytes' | 'bool' | 'time' | 'json' | 'uuid' | 'other';

const families: [RegExp, Family][] = [
  [/^tinyint\(1\)$/, 'bool'],
  [/^(tiny|small|medium|big)?int\b/, 'integer'],
  [/^decimal\(\d+,0\)/, 'integer'],
  [/^decimal\b/, 'decimal'],
  [/^(double|float)\b/, 'float'],
  [/^((tiny|medium|long)?text|(var)?char\(\d+\)|enum\(.*\)|set\(.*\))$/, 'text'],
  [/^((tiny|medium|long)?blob|(var)?binary\(\d+\))$/, 'bytes'],
  [/^(datetime|timestamp|date)\b/, 'time'],
  [/^json$/, 'json'],
  [/^uuid$/, 'uuid'],
];

function familyOf(type: string): Family {
  return families.find(([pattern]) => pattern.test(type))?.[1] ?? 'other';
}

const numbers: Family[] = ['integer', 'decimal', 'float', 'bool'];

/**
 * Returns the condition in SQL that a value is equal to the one that MariaDB converted it to; `undefined` if the types have no values in
 * common. Neither value is NULL.
 */
export function equality(value: string, converted: string, from: string, to: string): string | undefined {
  const [source, target] = [familyOf(from), familyOf(to)];
  if (numbers.includes(source) && numbers.includes(target)) return equalNumbers(value, converted, source, target);
  if (source === 'time' && target === 'time') return `${value} = ${converted}`;
  if (source === 'bytes' || target === 'bytes') {
    const isText = [source, target].every((family) => family === 'bytes' || family === 'text');
    return isText ? `${bytesOf(value, source)} = ${bytesOf(converted, target)}` : undefined;
  }
  const viaText = source === target || [source, target].some((family) => family === 'text');
  // In MariaDB, JSON is text.
  const viaJson = [source, target].every((family) => family === 'json' || numbers.includes(family));
  if (!viaText && !viaJson) return undefined;
  // A float loses digits as text in some versions.
  if (source === 'float') return `CAST(${converted} AS DOUBLE) = ${value}`;
  const conditions = [`${bytesOf(value, source)} = ${bytesOf(converted, target)}`];
  if (target === 'bool') conditions.push(isBool(converted));
  if (target === 'json') conditions.push(`json_valid(${value})`);
  // ALTER TABLE refuses larger integers in text.
  if (target === 'integer') conditions.push(`${converted} <= 9223372036854775807`);
  return conditions.join(' AND ');
}

function equalNumbers(value: string, converted: string, source: Family, target: Family): string {
  if (target === 'bool') return `${value} = ${converted} AND ${isBool(converted)}${positive(value, source)}`;
  if (source === 'float' && target === 'float') return `${value} = ${converted}`;
  if (source === 'float') return `${equalsFloat(converted, value, target)}${positive(value, source)}`;
  if (target === 'float') return equalsFloat(value, converted, source);
  // Exact, as MariaDB compares these as decimals.
  return `${value} = ${converted}`;
}

/** Compares an integer or decimal to a float: integers digit by digit, decimals as the closest float. */
function equalsFloat(exact: string, float: string, family: Family): string {
  if (family === 'decimal')
    return `CAST(${exact} AS DOUBLE) = ${float} AND CAST(${float} AS DECIMAL(65,30)) = ${exact}`;
  // In some versions, CAST to an unsigned integer ends at 2⁶³, too.
  const limit = '9223372036854775808';
  return (
    `CASE WHEN ${float} >= -${limit} AND ${float} < ${limit} THEN CAST(${float} AS SIGNED) = ${exact} ` +
    `WHEN ${float} >= ${limit} AND ${float} < 18446744073709551616 ` +
    `THEN CAST(${float} - ${limit}e0 AS SIGNED) = CAST(${exact} AS DECIMAL(65,0)) - ${limit} ELSE false END ` +
    `AND ${float} = floor(${float})`
  );
}

/** Excludes -0, which other types don't have. */
function positive(value: string, family: Family): string {
  return family === 'float' ? ` AND CAST(${value} AS CHAR) <> '-0'` : '';
}

function isBool(value: string): string {
  return `${value} IN (0, 1)`;
}

/** Bytes of the text form of a value. */
function bytesOf(value: string, family: Family): string {
  return family === 'bytes'
    ? `CAST(${value} AS BINARY)`
    : `CAST(CONVERT(CAST(${value} AS CHAR) USING utf8mb4) AS BINARY)`;
}

/** Start of a value as text. */
export function shown(value: string, type: string, length: number): string {
  return familyOf(type) === 'bytes'
    ? `concat('\\\\x', lower(hex(substr(${value}, 1, ${length}))))`
    : `left(CAST(${value} AS CHAR), ${length})`;
}
