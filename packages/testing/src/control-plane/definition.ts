import type { ClusterObject } from './test-cluster.ts';

/** The definition of a kind for tests. */
export interface DefinitionOptions {
  group: string;
  version?: string;
  kind: string;
  /** The schema of the spec and the status. Default: anything goes. */
  spec?: object;
  status?: object;
}

const anything = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };

/** Conditions as Kubernetes' conventions have them: a list that several write, each its own types. */
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

/** A namespaced kind with a status of its own. */
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
