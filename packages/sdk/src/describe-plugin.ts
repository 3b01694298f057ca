import { writeFile } from 'node:fs/promises';
import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec';
import { type ApiPart, invalid } from './definition.ts';
import type { PluginDefinition } from './plugin.ts';

/** JSON Schema (2020-12) of a resource. It describes `spec` and `status`. */
type ResourceSchema = Record<string, unknown>;

/** Identity of a plugin, and the schemas of its resources. `kplug crd` generates CustomResourceDefinitions from it. */
export interface PluginDescription {
  plugin: string;
  version: string;
  apis: ApiDescription[];
}

/** Schemas of the resources of a plugin API. */
export interface ApiDescription {
  name: string;
  version: string;
  /** Missing if the plugin has no schema of the base. */
  base?: ResourceSchema;
  /** Schemas of the extensions, by `Kind` or `Kind.group`. */
  extensions: Record<string, ResourceSchema>;
}

/** Writes the description of a plugin to a file, as JSON. Rejects with `InvalidDefinition` for a schema without a JSON Schema. */
export async function writeDescription(
  file: string,
  definition: Pick<PluginDefinition, 'name' | 'version'>,
  parts: readonly ApiPart[],
): Promise<void> {
  await writeFile(file, JSON.stringify(describePlugin(definition, parts)));
}

/** Describes a plugin. Throws `InvalidDefinition` for a schema without a JSON Schema. */
export function describePlugin(
  { name, version }: Pick<PluginDefinition, 'name' | 'version'>,
  parts: readonly ApiPart[],
): PluginDescription {
  return { plugin: name, version, apis: parts.flatMap(describeApis) };
}

function describeApis({ apis, implementation }: ApiPart): ApiDescription[] {
  const { base, extensions = {} } = implementation;
  const described = Object.entries(extensions).map(([kind, schema]) => [kind, jsonSchemaOf(schema, kind)] as const);
  return apis.map(({ name, version }) => ({
    name,
    version,
    ...(base && { base: jsonSchemaOf(base, 'the base') }),
    extensions: Object.fromEntries(described),
  }));
}

function jsonSchemaOf(schema: StandardSchemaV1, target: string): ResourceSchema {
  const standard: StandardSchemaV1.Props & Partial<StandardJSONSchemaV1.Props> = schema['~standard'];
  if (!standard.jsonSchema) {
    throw invalid(
      `the schema of ${target} can't be converted, as ${standard.vendor} does not implement Standard JSON Schema; ` +
        'use a version that does, such as zod 4.2, or an adapter of the library',
    );
  }
  try {
    return standard.jsonSchema.input({ target: 'draft-2020-12', libraryOptions: optionsOf[standard.vendor] });
  } catch (cause) {
    throw invalid(`the schema of ${target} can't be converted to JSON Schema: ${(cause as Error).message}`);
  }
}

/** Options of a library, by its vendor name. */
const optionsOf: Readonly<Record<string, Record<string, unknown>>> = {
  zod: {
    // A value that JSON Schema can't describe, such as that of a custom type, is any value.
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }: { zodSchema: ZodNode; jsonSchema: Record<string, unknown> }) => {
      if (zodSchema._zod.def.type === 'bigint') Object.assign(jsonSchema, { type: 'integer', format: 'int64' });
    },
  },
};

/** Part of a schema of zod. */
interface ZodNode {
  _zod: { def: { type: string } };
}
