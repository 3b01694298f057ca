import type { JsonObject } from '@kplug/controller';
import { objectOf, textsOf } from '../doctor/read-json.ts';
import { pluralOf } from '../init/project-names.ts';
import { preserveUnknownFields } from '../validate/structural-schema.ts';
import { takeColumns } from './printer-columns.ts';

/** Names of a kind. */
export interface DefinitionNames {
  group: string;
  version: string;
  kind: string;
  /** Default: the regular plural of the kind. */
  plural?: string;
  shortNames?: readonly string[];
  scope: 'Namespaced' | 'Cluster';
}

/** Builds a CustomResourceDefinition of one version. @param isBase true for a delegated kind, false for one of extensions. */
export function buildDefinition(names: DefinitionNames, converted: JsonObject, isBase: boolean): JsonObject {
  const { group, version, kind, plural = pluralOf(kind.toLowerCase()), shortNames, scope } = names;
  const { schema, columns } = takeColumns(converted, isBase);
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope,
      names: {
        kind,
        listKind: `${kind}List`,
        singular: kind.toLowerCase(),
        plural,
        ...(shortNames && { shortNames: [...shortNames] }),
        categories: ['kplug'],
      },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: columns,
          schema: { openAPIV3Schema: rootOf(schema) },
        },
      ],
    },
  };
}

/** Returns the schema of a resource: the fields of every resource first, and the metadata without the schema of a plugin. */
function rootOf(schema: JsonObject): JsonObject {
  const { description, required, properties, ...others } = schema;
  const { apiVersion: _, kind: __, metadata: ___, ...fields } = objectOf(properties);
  const needed = textsOf(required).filter((name) => name !== 'metadata' && name !== 'apiVersion' && name !== 'kind');
  delete others[preserveUnknownFields];
  return {
    ...(description !== undefined && { description }),
    ...others,
    type: 'object',
    ...(needed.length > 0 && { required: needed }),
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { type: 'object' },
      ...fields,
    },
  };
}
