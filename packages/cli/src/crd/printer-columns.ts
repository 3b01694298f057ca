import type { JsonObject, JsonValue } from '@kplug/controller';
import { isJsonObject } from '@kplug/controller/tools';
import { CommandError } from '../command-error.ts';
import { objectOf } from '../doctor/read-json.ts';
import { columnKeyword } from './convert-schema.ts';

/** Types of columns by those of their fields. Others are printed as text. */
const columnTypes: Readonly<Record<string, string>> = { integer: 'integer', number: 'number', boolean: 'boolean' };

/** Columns that every base has, after those of the plugin. */
const ownColumns: readonly JsonObject[] = [
  { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
  { name: 'Reason', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].reason' },
  { name: 'Implementation', type: 'string', jsonPath: '.status.implementation' },
];

const ageColumn: JsonObject = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' };

/** Takes the keyword of columns out of a schema. Returns the schema without it, and the columns of `kubectl get`. */
export function takeColumns(schema: JsonObject, isBase: boolean): { schema: JsonObject; columns: JsonObject[] } {
  const columns: JsonObject[] = [];
  const taken = take(schema, '', columns);
  return { schema: objectOf(taken), columns: [...columns, ...(isBase ? ownColumns : []), ageColumn] };
}

function take(schema: JsonValue | undefined, path: string, columns: JsonObject[]): JsonValue {
  if (!isJsonObject(schema)) return schema ?? true;
  const { [columnKeyword]: column, ...rest } = schema;
  if (column !== undefined) columns.push(columnOf(column, rest, path));
  const properties = Object.entries(objectOf(schema.properties)).map(
    ([name, field]) => [name, take(field, `${path}.${escapeDots(name)}`, columns)] as const,
  );
  const taken: JsonObject = properties.length > 0 ? { ...rest, properties: Object.fromEntries(properties) } : rest;
  if (isJsonObject(schema.items)) taken.items = take(schema.items, `${path}[*]`, columns);
  return taken;
}

function columnOf(given: JsonValue, schema: JsonObject, path: string): JsonObject {
  const column = typeof given === 'string' ? { name: given } : objectOf(given);
  const { name, priority, description = schema.description } = column;
  if (typeof name !== 'string' || name === '') {
    throw new CommandError('failed', `${columnKeyword} of ${path} must be the name of a column, or { name, priority }`);
  }
  const type = schema.format === 'date-time' ? 'date' : (columnTypes[String(schema.type)] ?? 'string');
  return {
    name,
    type,
    ...(description !== undefined && { description }),
    ...(priority !== undefined && { priority }),
    jsonPath: path,
  };
}

/** Escapes dots of the name of a field, as JSONPath demands. */
function escapeDots(name: string): string {
  return name.replaceAll('.', '\\.');
}
