import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { delegationJsonSchema, grantingDomains, plainKinds } from '@kplug/controller/tools';
import { parse, stringify } from 'yaml';
import { delegationDefinition } from './delegation-definition.ts';
import { alertRules } from './monitoring/alert-rules.ts';
import { dashboard } from './monitoring/dashboard.ts';

/** Folder of the charts. */
export const chartsFolder = fileURLToPath(new URL('../../charts', import.meta.url));

/** Fields of a JSON schema of values that are read here. */
interface Schema {
  description?: string;
  properties?: Record<string, Schema>;
  $defs?: Record<string, unknown>;
}

/** File with its generated content. */
interface ChartDocument {
  file: string;
  content: string;
}

/** Generates all files that are derived, wholly or in part, from the schema of delegations, and from the files of the charts. */
export function chartDocuments(): ChartDocument[] {
  const schemaFile = join(chartsFolder, 'kplug', 'values.schema.json');
  const schema = {
    ...readSchema(schemaFile),
    $defs: { delegation: delegationJsonSchema(), plugin: listedPluginSchema() },
  };
  const schemaDocument = { file: schemaFile, content: `${JSON.stringify(schema, null, 2)}\n` };
  const definition = {
    file: join(chartsFolder, 'kplug', 'files', 'delegation.crd.yaml'),
    content: delegationDefinition(),
  };
  const granting = {
    file: join(chartsFolder, 'kplug', 'files', 'rights-granting-kinds.yaml'),
    content: stringify({ plainKinds: Object.fromEntries(plainKinds), grantingDomains }),
  };
  return [
    schemaDocument,
    definition,
    granting,
    { file: join(chartsFolder, 'kplug', 'files', 'dashboard.json'), content: dashboard() },
    { file: join(chartsFolder, 'kplug', 'files', 'alert-rules.yaml'), content: alertRules() },
    ...copies(),
    templateDefinition(),
    ...['kplug', 'kplug-plugin'].map(readmeDocument),
  ];
}

/** Copies the definition of `Plugin` into the template of an operator, whose users have no chart. */
function templateDefinition(): ChartDocument {
  const file = join(chartsFolder, '..', 'packages/cli/templates/operator/files/manifests/operator/plugin.crd.yaml');
  return { file, content: readFileSync(join(chartsFolder, 'kplug/files/plugin.crd.yaml'), 'utf8') };
}

/** Copies the templates of the plugin chart into the operator's chart, which makes Deployments of plugins with them. */
function copies(): ChartDocument[] {
  const files = {
    'templates/_names.tpl': 'templates/_plugin-names.tpl',
    'templates/_objects.tpl': 'templates/_plugin-objects.tpl',
    'values.yaml': 'files/plugin-values.yaml',
  };
  return Object.entries(files).map(([from, to]) => ({
    file: join(chartsFolder, 'kplug', to),
    content: readFileSync(join(chartsFolder, 'kplug-plugin', from), 'utf8'),
  }));
}

/** Makes the schema of a plugin in the operator's chart. With delivery `deployment`, it has the values of the plugin chart. */
function listedPluginSchema(): object {
  const own = readSchema(join(chartsFolder, 'kplug-plugin', 'values.schema.json')).properties ?? {};
  const { image, resources, controller: _, nameOverride: _n, fullnameOverride: _f, global: _g, ...deployed } = own;
  const name = {
    description: 'name of its folder, container or Deployment',
    type: 'string',
    pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$',
    maxLength: 40,
  };
  const path = {
    description: 'path of the plugin in the image: a folder with a plugin.yaml, or a program',
    type: 'string',
    pattern: '^/[^,:]*$',
  };
  const choices = ['initContainer', 'imageVolume', 'deployment'];
  const delivery = { description: 'delivery to the operator; default initContainer', enum: choices };
  const required = ['name', 'image'];
  const shape = (properties: object) => ({ properties, required, additionalProperties: false });
  const isDeployed = { properties: { delivery: { const: 'deployment' } }, required: ['delivery'] };
  return {
    type: 'object',
    allOf: [
      { if: isDeployed, else: shape({ name, delivery, image, resources, path }) },
      { if: { not: isDeployed }, else: shape({ name, delivery, image, resources, ...deployed }) },
    ],
  };
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
