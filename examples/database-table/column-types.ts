import { terminal } from '@kplug/sdk';
import type { Column } from './table.ts';

/** Column types of a database, by the types of `DatabaseTable`. */
export interface ColumnTypes {
  uint64: string;
  int64: string;
  int32: string;
  float64: string;
  string: string;
  bytes: string;
  bool: string;
  /** Point in time, with a precision of microseconds. */
  timestamp: string;
  json: string;
  uuid: string;
  /** `decimal(precision, scale)`: number of digits, and how many of them are after the decimal point. */
  decimal: (precision: number, scale: number) => string;
}

/** At least one column. */
export type Columns = [Column, ...Column[]];

/** Converts columns to the types of a database. Throws a terminal error that names each column with an unsupported type. */
export function toDatabaseColumns(columns: Columns, types: ColumnTypes, database: string): Columns {
  const unknown: Column[] = [];
  const convert = (column: Column) => {
    const type = databaseType(column.type, types);
    if (type === undefined) unknown.push(column);
    return { ...column, type: type ?? column.type };
  };
  const [first, ...others] = columns;
  const converted: Columns = [convert(first), ...others.map(convert)];
  if (unknown.length === 0) return converted;

  const which = unknown.map(({ name, type }) => `column "${name}" has the type "${type}"`).join(', ');
  const supported = Object.keys(types).map((type) => (type === 'decimal' ? 'decimal(p,s) with s ≤ p ≤ 38' : type));
  throw terminal(`${database} can't create this table: ${which}. Supported types: ${supported.join(', ')}.`, {
    reason: 'UnsupportedColumnType',
  });
}

function databaseType(type: string, types: ColumnTypes): string | undefined {
  const decimal = /^decimal\((\d+), ?(\d+)\)$/.exec(type);
  if (decimal) {
    const [precision, scale] = [Number(decimal[1]), Number(decimal[2])];
    return precision > 0 && precision <= 38 && scale <= precision ? types.decimal(precision, scale) : undefined;
  }
  const { decimal: _, ...plain } = types;
  return Object.hasOwn(plain, type) ? plain[type as keyof typeof plain] : undefined;
}
