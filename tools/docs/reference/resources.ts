import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { cell, code, type GeneratedPage, generatedBy, page, table } from './markdown.ts';

/** Schema of a field in a CRD. */
interface Schema {
  type?: string;
  description?: string;
  default?: unknown;
  enum?: unknown[];
  required?: string[];
  properties?: Record<string, Schema>;
  items?: Schema;
  additionalProperties?: Schema | boolean;
  'x-kubernetes-int-or-string'?: boolean;
}

interface Definition {
  spec: {
    group: string;
    scope: string;
    names: { kind: string };
    versions: { name: string; schema: { openAPIV3Schema: Schema } }[];
  };
}

const files = ['delegation', 'plugin', 'provided-capability'];

/** Page of the resources that Kplug defines, from their CRDs. */
export function resourcesPage(): GeneratedPage {
  const content = page(
    '# Resources',
    generatedBy('`charts/kplug/files`'),
    [
      'Fields of the kinds that Kplug defines. The spec of a `Delegation` has the fields of an entry in `delegations` of `kplug.yaml`, which also has',
      'a `name`; [Delegations](../delegations.md) explains them. `kubectl explain` shows the same on a cluster.',
    ],
    ...files.flatMap((file) => sectionsOf(readDefinition(file))),
  );
  return { file: 'docs/reference/resources.md', content };
}

function readDefinition(file: string): Definition {
  const path = fileURLToPath(new URL(`../../../charts/kplug/files/${file}.crd.yaml`, import.meta.url));
  return parse(readFileSync(path, 'utf8'));
}

function sectionsOf({ spec: { group, scope, names, versions } }: Definition): (string | string[])[] {
  return versions.flatMap(({ name, schema: { openAPIV3Schema: schema } }) => {
    const { spec, status } = schema.properties ?? {};
    return [
      `## ${names.kind}`,
      `\`${group}/${name}\`, ${scope === 'Cluster' ? 'cluster-scoped' : 'in a namespace'}. ${schema.description ?? ''}`,
      ...fieldTable(`### Spec of \`${names.kind}\``, spec),
      ...fieldTable(`### Status of \`${names.kind}\``, status),
    ];
  });
}

function fieldTable(heading: string, schema: Schema | undefined): (string | string[])[] {
  const rows = schema ? fieldsOf(schema, '') : [];
  return rows.length > 0 ? [heading, table(['field', 'type', 'meaning', 'default'], rows)] : [];
}

/** Rows of the fields of an object, each followed by the fields in it. */
function fieldsOf({ properties = {}, required = [] }: Schema, prefix: string): string[][] {
  return Object.entries(properties).flatMap(([name, schema]) => {
    const path = prefix + name;
    const text = required.includes(name) ? `Required. ${schema.description ?? ''}` : (schema.description ?? '');
    const row = [code(path), typeOf(schema), cell(text), defaultOf(schema)];
    return [row, ...nestedFields(schema, path)];
  });
}

function nestedFields(schema: Schema, path: string): string[][] {
  if (schema.properties) return fieldsOf(schema, `${path}.`);
  if (schema.items) return nestedFields(schema.items, `${path}[]`);
  const { additionalProperties: values } = schema;
  return typeof values === 'object' ? nestedFields(values, `${path}.*`) : [];
}

function typeOf(schema: Schema): string {
  if (schema.enum) return schema.enum.map((value) => code(String(value))).join(', ');
  if (schema.items) return `list of ${typeOf(schema.items)}`;
  if (typeof schema.additionalProperties === 'object') return `map of ${typeOf(schema.additionalProperties)}`;
  if (schema['x-kubernetes-int-or-string']) return 'integer or string';
  return schema.type ?? 'any';
}

/** Default of a field that has one of its own. An object without fields says nothing. */
function defaultOf({ default: value }: Schema): string {
  if (value === undefined) return '';
  const text = JSON.stringify(value);
  return text === '{}' ? '' : code(text);
}
