import type { JsonObject, JsonValue } from '@kplug/controller';
import { plain } from './table.ts';

const longest = 100;

/** A status on one line, as far as it fits: `partitions=[4] rows=120 size={2}`. Lists and objects show how much they hold. */
export function compactStatus(status: JsonObject | undefined): string {
  const line = Object.entries(status ?? {})
    .flatMap(([field, value]) => (value === undefined ? [] : [`${field}=${compactValue(value)}`]))
    .join(' ');
  return line.length > longest ? `${line.slice(0, longest - 1)}…` : line;
}

function compactValue(value: JsonValue): string {
  if (Array.isArray(value)) return `[${value.length}]`;
  if (typeof value === 'object' && value !== null) return `{${Object.keys(value).length}}`;
  const shown = plain(String(value));
  return shown.includes(' ') ? JSON.stringify(shown) : shown;
}
