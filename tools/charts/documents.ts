import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { delegationSchema } from '@kplug/controller';
import { parse } from 'yaml';
import { z } from 'zod';

/** The folder of the charts. */
export const chartsFolder = fileURLToPath(new URL('../../charts', import.meta.url));

/** What counts of a JSON schema of values. */
interface Schema {
  description?: string;
  properties?: Record<string, Schema>;
  $defs?: Record<string, unknown>;
}

/** A file as it should be. */
interface ChartDocument {
  file: string;
  content: string;
}

/** All files in `charts/` that are derived, or have a part that is: from the schema of delegations and from the values. */
export function chartDocuments(): ChartDocument[] {
  const schemaFile = join(chartsFolder, 'kplug', 'values.schema.json');
  const schema = { ...readSchema(schemaFile), $defs: { delegation: delegationJsonSchema() } };
  const schemaDocument = { file: schemaFile, content: `${JSON.stringify(schema, null, 2)}\n` };
  return [schemaDocument, ...['kplug', 'kplug-plugin'].map(readmeDocument)];
}

function delegationJsonSchema(): object {
  const { $schema: _, ...schema } = z.toJSONSchema(delegationSchema, { io: 'input', target: 'draft-7' });
  return schema;
}

function readmeDocument(chart: string): ChartDocument {
  const folder = join(chartsFolder, chart);
  const file = join(folder, 'README.md');
  const values: unknown = parse(readFileSync(join(folder, 'values.yaml'), 'utf8'));
  const rows = describeValues(readSchema(join(folder, 'values.schema.json')), values, '');
  const table = ['| value | meaning | default |', '| --- | --- | --- |', ...rows].join('\n');
  const between = /(<!-- values: .* -->\n)[\s\S]*?(<!-- end of values -->)/;
  return { file, content: readFileSync(file, 'utf8').replace(between, `$1\n${table}\n\n$2`) };
}

function describeValues({ properties = {} }: Schema, values: unknown, prefix: string): string[] {
  return Object.entries(properties).flatMap(([name, schema]) => {
    const value = (values as Record<string, unknown> | undefined)?.[name];
    const path = prefix + name;
    if (schema.properties) return describeValues(schema, value, `${path}.`);
    if (value === undefined) return [];
    return [`| \`${path}\` | ${schema.description ?? ''} | ${describeDefault(value)} |`];
  });
}

function describeDefault(value: unknown): string {
  const isEmpty = value === '' || (typeof value === 'object' && Object.keys(value ?? {}).length === 0);
  return isEmpty ? '' : `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;
}

function readSchema(file: string): Schema {
  return JSON.parse(readFileSync(file, 'utf8')) as Schema;
}
