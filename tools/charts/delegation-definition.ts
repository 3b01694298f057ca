import { delegationJsonSchema } from '@kplug/controller/tools';
import { stringify } from 'yaml';

/** JSON schema, as far as the schema of delegations uses it. */
interface Schema {
  type?: string | string[];
  properties?: Record<string, Schema>;
  items?: Schema;
  required?: string[] | undefined;
  additionalProperties?: boolean | Schema;
  [keyword: string]: unknown;
}

const conditions = {
  description:
    'Accepted, KindFound, Permitted, WritesSucceed and PluginsAvailable; Ready is true when all of them are.',
  type: 'array',
  maxItems: 16,
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': ['type'],
  items: {
    type: 'object',
    required: ['type', 'status', 'reason', 'message', 'lastTransitionTime'],
    properties: {
      type: { type: 'string', maxLength: 316 },
      status: { type: 'string', enum: ['True', 'False', 'Unknown'] },
      observedGeneration: { type: 'integer', format: 'int64', minimum: 0 },
      lastTransitionTime: { type: 'string', format: 'date-time' },
      reason: {
        type: 'string',
        maxLength: 1024,
        minLength: 1,
        pattern: '^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$',
      },
      message: { type: 'string', maxLength: 32_768 },
    },
  },
};

const status = {
  type: 'object',
  properties: {
    observedGeneration: { type: 'integer', format: 'int64', minimum: 0 },
    ready: { description: 'Status of the condition Ready, for lists.', type: 'string', enum: ['True', 'False'] },
    resources: { description: 'Number of delegated resources.', type: 'integer', minimum: 0 },
    readyResources: { description: 'Number of ready resources among them.', type: 'integer', minimum: 0 },
    resourceCount: {
      description: 'Ready and delegated resources, such as 2/3, for lists.',
      type: 'string',
      maxLength: 64,
    },
    plugins: {
      description: 'Number of plugins that may be chosen, each in its best version.',
      type: 'integer',
      minimum: 0,
    },
    conditions,
  },
};

const columns = [
  { name: 'Kind', type: 'string', jsonPath: '.spec.base.kind', description: 'Delegated kind' },
  { name: 'Api', type: 'string', jsonPath: '.spec.api', description: 'Plugin API, with a version range' },
  { name: 'Ready', type: 'string', jsonPath: '.status.ready', description: 'Status of the condition Ready' },
  {
    name: 'Resources',
    type: 'string',
    jsonPath: '.status.resourceCount',
    description: 'Ready and delegated resources',
  },
  {
    name: 'Plugins',
    type: 'integer',
    jsonPath: '.status.plugins',
    description: 'Number of plugins that may be chosen',
  },
  { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
];

/** Makes the CustomResourceDefinition of `Delegation` from the schema of delegations. */
export function delegationDefinition(): string {
  const spec = structural(withoutName(delegationJsonSchema() as Schema));
  const { selection } = spec.properties ?? {};
  if (!selection) throw new Error('the schema of delegations has no selection');
  selection['x-kubernetes-validations'] = [
    {
      rule: '!has(self.fallback) || !has(self.fallbackOrder)',
      message: 'fallback and fallbackOrder contradict each other; remove one',
    },
  ];
  const definition = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'delegations.delegations.kplug.dev' },
    spec: {
      group: 'delegations.kplug.dev',
      scope: 'Cluster',
      names: {
        kind: 'Delegation',
        listKind: 'DelegationList',
        singular: 'delegation',
        plural: 'delegations',
        shortNames: ['deleg'],
        categories: ['kplug'],
      },
      versions: [
        {
          name: 'v1alpha1',
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: columns,
          schema: {
            openAPIV3Schema: {
              description: 'Declares that the resources of a kind are reconciled by the plugins of an API.',
              type: 'object',
              required: ['spec'],
              properties: {
                apiVersion: { type: 'string' },
                kind: { type: 'string' },
                metadata: { type: 'object' },
                spec: { description: 'Delegated kind, plugin API and rules.', ...spec },
                status,
              },
              'x-kubernetes-validations': [
                {
                  rule: "self.metadata.name.size() <= 63 && self.metadata.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",
                  message: 'the name must consist of at most 63 lower-case letters, digits and "-"',
                },
              ],
            },
          },
        },
      ],
    },
  };
  return stringify(definition, { lineWidth: 0 });
}

/** Removes the name from the schema: a `Delegation` has it in its metadata. */
function withoutName(schema: Schema): Schema {
  const { name: _, ...properties } = schema.properties ?? {};
  return { ...schema, properties, required: schema.required?.filter((field) => field !== 'name') };
}

/** Makes a structural schema, as CustomResourceDefinitions require. */
function structural({ additionalProperties, propertyNames: _, ...schema }: Schema): Schema {
  // Only durations are numbers or strings.
  if (Array.isArray(schema.type)) return { ...describe(schema), ...duration };
  return {
    ...schema,
    ...(schema.properties && { properties: mapValues(schema.properties, structural) }),
    ...(schema.items && { items: structural(schema.items) }),
    // Unknown fields are pruned, or refused with strict field validation.
    ...(typeof additionalProperties === 'object' && { additionalProperties, maxProperties: 64 }),
  };
}

const duration = {
  'x-kubernetes-int-or-string': true,
  anyOf: [{ type: 'integer' }, { type: 'string' }],
  'x-kubernetes-validations': [
    {
      rule: "type(self) == int ? int(self) > 0 : string(self).matches('^([0-9]+([.][0-9]+)?(ms|s|m|h))+$')",
      message: 'must be milliseconds, or a duration such as 500ms, 5s, 1m30s or 2h',
    },
  ],
};

function describe({ description }: Schema): { description?: unknown } {
  return description === undefined ? {} : { description };
}

function mapValues<A, B>(object: Record<string, A>, map: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, map(value)]));
}
