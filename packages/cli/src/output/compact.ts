import type { JsonObject, JsonValue } from '@kplug/controller';
import { plain } from './table.ts';

/** Maximum length of a compact status, in characters. */
const maxLength = 100;

/** Formats a status on one truncated line: `partitions=[4] rows=120 size={2}`. Lists and objects show their size. */
export function compactStatus(status: JsonObject | undefined): string {
  const line = Object.entries(status ?? {})
    .flatMap(([field, value]) => (value === undefined ? [] : [`${field}=${compactValue(value)}`]))
    .join(' ');
  return line.length > maxLength ? `${line.slice(0, maxLength - 1)}…` : line;
}

function compactValue(value: JsonValue): string {
  if (Array.isArray(value)) return `[${value.length}]`;
  if (typeof value === 'object' && value !== null) return `{${Object.keys(value).length}}`;
  const shown = plain(String(value));
  return shown.includes(' ') ? JSON.stringify(shown) : shown;
}
