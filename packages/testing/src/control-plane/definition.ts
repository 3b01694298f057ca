import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import type { ClusterObject } from './test-cluster.ts';

/** Options of a definition. */
export interface DefinitionOptions {
  group: string;
  version?: string;
  kind: string;
  /** Schemas of the spec and the status. Default: any content. */
  spec?: object;
  status?: object;
}

const anything = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };

/** Schema of conditions: a list map by type, so that several field managers can write it. */
export const conditionsSchema = {
  type: 'array',
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': ['type'],
  items: {
    ...anything,
    required: ['type'],
    properties: { type: { type: 'string' } },
  },
};

/** Returns the definition of a namespaced kind with a status subresource. */
export function definition({ group, version = 'v1', kind, spec, status }: DefinitionOptions): ClusterObject {
  const singular = kind.toLowerCase();
  const properties = {
    spec: spec ?? anything,
    status: status ?? { ...anything, properties: { conditions: conditionsSchema } },
  };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${singular}s.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind, singular, plural: `${singular}s`, listKind: `${kind}List` },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', properties } },
          subresources: { status: {} },
        },
      ],
    },
  };
}

/** Reads the definition of one of Kplug's own kinds from the chart. @param file name of its file, such as `delegation`. */
export async function ownDefinition(file: string): Promise<ClusterObject> {
  const path = new URL(`../../../../charts/kplug/files/${file}.crd.yaml`, import.meta.url);
  return parse(await readFile(path, 'utf8')) as ClusterObject;
}
