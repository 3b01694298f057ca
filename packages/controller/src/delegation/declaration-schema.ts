import { z } from 'zod';
import { messageOf } from '../errors.ts';
import { limits, limitTable } from '../limits/limits.ts';
import { parsePattern } from '../selection/preference.ts';
import { durationUpTo } from '../settings/duration-schema.ts';
import type { DelegationDeclaration } from './declaration.ts';

// Kubernetes rejects validation rules over lists that may be much longer than `maxListed`.
const { maxListed, maxNameLength, maxPathLength, maxLabelKeyLength, maxConcurrency, maxDuration } = limits.delegation;
const { maxLength: maxIdentityLength } = limits.identity;

const duration = durationUpTo(maxDuration);

const name = z
  .string()
  .max(maxNameLength)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, 'must be lower case letters, digits and "-"');

const apiVersion = z
  .string()
  .max(maxPathLength)
  .regex(/^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?v[a-z0-9]+$/, 'must be group/version, such as myorg.org/v1alpha1');

const kind = z
  .string()
  .max(maxNameLength)
  .regex(/^[A-Za-z][A-Za-z0-9]*$/, 'must be a kind in PascalCase, such as DatabaseTable');

const resourceKind = z.strictObject({ apiVersion, kind });

const dependentKind = resourceKind.extend({
  allowPrivileged: z
    .boolean()
    .default(false)
    .describe(
      'True to allow a kind that grants rights, such as Secret or Role, or privileged pods of a kind that has pods. Default false.',
    ),
});

const namespacePattern = z
  .string()
  .max(maxNameLength)
  .regex(/^(\*|[a-z0-9]([-a-z0-9]*[a-z0-9])?)$/, 'must be a namespace, or "*" for all');

const requiredKind = resourceKind.extend({
  namespaces: z
    .array(namespacePattern)
    .max(maxListed)
    .default([])
    .describe(
      "Namespaces from which plugins may require resources of the kind, besides the base's own; `*` for all. Default: none.",
    ),
});

const accountName = z
  .string()
  .max(maxPathLength)
  .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, 'must be the name of a ServiceAccount');

const pattern = z
  .string()
  .max(maxPathLength)
  .superRefine((text, context) => {
    try {
      parsePattern(text);
    } catch (error) {
      context.addIssue({ code: 'custom', message: messageOf(error) });
    }
  });

const pluginSource = z
  .strictObject({
    namespace: name.optional().describe('Namespace of ServiceAccounts, and of plugins that are declared there.'),
    serviceAccounts: z
      .array(z.string().max(maxPathLength))
      .min(1)
      .max(maxListed)
      .optional()
      .describe('ServiceAccounts of that namespace. Default: all.'),
    identities: z
      .array(z.string().max(maxIdentityLength))
      .min(1)
      .max(maxListed)
      .optional()
      .describe(
        'Identities without a namespace, as `kplug plugins` shows them, with `*` for any text: `token:ci`, `certificate:spiffe://example.org/ns/databases/*`, `oidc:https://issuer.example.org#*`.',
      ),
    names: z
      .array(z.string().max(maxNameLength))
      .min(1)
      .max(maxListed)
      .optional()
      .describe('Names that the plugins may have. Default: any.'),
  })
  .refine(({ namespace, identities }) => (namespace === undefined) !== (identities === undefined), {
    message: 'give either a namespace or identities',
  })
  .refine(({ serviceAccounts, namespace }) => !serviceAccounts || namespace !== undefined, {
    path: ['serviceAccounts'],
    message: 'ServiceAccounts need a namespace',
  });

const path = z
  .string()
  .max(maxPathLength)
  .regex(/^(\.[A-Za-z0-9_-]+)+$/, 'must be a path of fields, such as .spec.extensions');

/**
 * Schema of a delegation as an operator's author declares it, in code or in `kplug.yaml`, and of the spec of a `Delegation`
 * resource, there without the name. Durations are milliseconds or strings such as `60s`. The CustomResourceDefinition and the
 * chart's values use the same descriptions.
 */
export const delegationSchema = z.strictObject({
  name: name.describe('Name of the delegation in statuses, metrics and logs. Unique within an operator.'),
  base: resourceKind.describe('Kind of the delegated resources.'),
  namespaces: z
    .array(name)
    .min(1)
    .max(maxListed)
    .optional()
    .describe('Namespaces whose resources are delegated. Default: all that the operator watches.'),
  labels: z
    .record(z.string().max(maxLabelKeyLength), z.string().max(maxNameLength))
    .default({})
    .describe('Labels that a resource must have, with these values, to be delegated. Default: none.'),
  api: pattern.describe(
    'Plugin API, with the range of accepted versions, such as `DatabaseTable@^1.0.0`. Without a range, any version.',
  ),
  plugins: z
    .strictObject({
      from: z
        .array(pluginSource)
        .max(maxListed)
        .optional()
        .describe(
          "Plugins that may serve the API, by the identity that they prove. Default: ServiceAccounts of the operator's own namespace, and on no cluster the holders of tokens of the operator. Plugins of the operator's folder are always admitted.",
        ),
    })
    .prefault({})
    .describe('Plugins that may serve the API.'),
  extensions: z
    .strictObject({
      path: path
        .default('.spec.extensions')
        .describe('Path of the list of extension references, `{ apiVersion, kind, name }`, in a base.'),
      kinds: z.array(resourceKind).max(maxListed).optional().describe('Kinds that may be referenced. Default: any.'),
    })
    .prefault({})
    .describe('Extension resources that a base references.'),
  requirements: z
    .strictObject({
      kinds: z
        .array(requiredKind)
        .max(maxListed)
        .default([])
        .describe('Kinds of resources that plugins may require. Default: none.'),
    })
    .prefault({})
    .describe(
      'Further resources that plugins require, by name or labels. The operator reads and follows them, and sends them with each call.',
    ),
  capability: z
    .strictObject({
      categoryPath: path.default('.spec.category').describe('Path of the category, such as `database`, in a resource.'),
      typePath: path.default('.spec.type').describe('Path of the type, such as `postgresql`, in a resource.'),
      versionPath: path
        .default('.spec.version')
        .describe('Path of the version, a range of versions, or nothing for the newest one, in a resource.'),
    })
    .optional()
    .describe(
      'Capabilities: a resource asks for one by category, type and version, and only plugins that provide it are selected. Default: resources ask for none.',
    ),
  dependents: z
    .strictObject({
      kinds: z
        .array(dependentKind)
        .max(maxListed)
        .default([])
        .describe('Kinds of dependents that plugins may request. Default: none.'),
      serviceAccounts: z
        .array(accountName)
        .max(maxListed)
        .default([])
        .describe(
          'ServiceAccounts whose rights dependents may get, as pods or by a Secret with a token, besides those that the plugin requests as dependents. Default: none, so that pods get no token.',
        ),
      podSecrets: z
        .enum(['own', 'any'])
        .default('own')
        .describe(
          'Secrets that pods may use: those that the plugin requests as dependents before them (`own`), or `any` in the namespace. Default `own`.',
        ),
      readyTimeout: duration
        .default(limits.delegation.readyTimeout)
        .describe(
          'Time that a dependent has to become ready, after which the status of its base reports that as a failure. A plugin may set another one for a dependent. Default 10m.',
        ),
      finalize: z
        .enum(['first', 'last'])
        .default('first')
        .describe(
          'When a deleted resource is finalized: `first`, before its dependents are deleted, or `last`, when they are gone. Default `first`.',
        ),
    })
    .prefault({})
    .describe(
      'Dependents: resources that the operator applies for a base at the request of a plugin, in the same namespace.',
    ),
  selection: z
    .strictObject({
      preferencePath: path
        .default('.spec.preferredImplementation')
        .describe('Path of the preferred plugin, `Name` or `Name@range`, in a resource.'),
      fallback: z
        .enum(['any', 'none'])
        .optional()
        .describe(
          'Selection while the preferred plugin is unavailable: `any` other plugin, or `none`. Default: `any`.',
        ),
      fallbackOrder: z
        .array(pattern)
        .min(1)
        .max(maxListed)
        .optional()
        .describe(
          'Selection while the preferred plugin is unavailable: the first available one of these. Excludes `fallback`.',
        ),
      mode: z
        .enum(['one', 'all'])
        .default('one')
        .describe('Let `one` plugin reconcile a resource, or `all`, each under its own name in the status.'),
      capabilities: z
        .record(z.string().max(maxPathLength), z.string().max(maxPathLength))
        .default({})
        .describe('Capabilities that a plugin must have, with these values.'),
    })
    .prefault({})
    .refine(({ fallback, fallbackOrder }) => !fallback || !fallbackOrder, {
      path: ['fallbackOrder'],
      message: 'fallback and fallbackOrder contradict each other; remove one',
    })
    .describe('Selection of a plugin for a resource.'),
  deadline: duration
    .default(limits.delegation.deadline)
    .describe('Deadline of one call of a plugin. Default 60s; recommended: 1s to 1h.'),
  resync: duration
    .default(limits.delegation.resync)
    .describe(
      'Interval after which a resource is reconciled again without a change, unless its plugin requests another. Default 10m.',
    ),
  minRequeueInterval: duration
    .default(limits.delegation.minRequeueInterval)
    .describe(
      'Shortest delay that a plugin may request between two calls for a resource. A shorter one is extended. Default 1s; recommended: 100ms to 1m.',
    ),
  maxStatusSize: z
    .int()
    .min(limitTable.delegation.maxStatusSize.min)
    .max(limitTable.delegation.maxStatusSize.max)
    .default(limits.delegation.maxStatusSize)
    .describe(
      'Largest size, in bytes of JSON, of each status that a plugin returns. An answer with a larger one is refused. Default 262144 (256 KiB).',
    ),
  concurrency: z
    .int()
    .min(1)
    .max(maxConcurrency)
    .optional()
    .describe(
      "Largest number of resources reconciled concurrently. Default: the operator's, 32; recommended: 1 to 1,000.",
    ),
  backOff: z
    .strictObject({
      initial: duration
        .default(limits.delegation.initialBackOff)
        .describe('Delay after the first failure. Default 200ms.'),
      max: duration.default(limits.delegation.maxBackOff).describe('Longest delay. Default 5m.'),
    })
    .prefault({})
    .describe('Delay between the retries of a resource that fails. It doubles with each failure.'),
  breaker: z
    .strictObject({
      timeouts: z
        .int()
        .min(0)
        .max(limitTable.delegation.breakerTimeouts.max)
        .default(limits.delegation.breakerTimeouts)
        .describe(
          'Number of resources whose calls time out in a row, without any answer of the plugin between, after which the plugin is suspended. 0: never. Default 3; recommended: 2 to 20.',
        ),
      coolDown: duration
        .default(limits.delegation.coolDown)
        .describe(
          'Time until a suspended plugin is probed with the call of one resource. It doubles with each probe that times out, up to 1m. Default 10s; recommended: 1s to 5m.',
        ),
      fallback: z
        .boolean()
        .default(false)
        .describe(
          'True to select the fallback for the resources of a suspended plugin, as if it were unavailable. Default: they wait.',
        ),
    })
    .prefault({})
    .describe('Circuit breaker: a plugin whose calls time out is suspended until it answers again.'),
  finalize: z
    .strictObject({
      needed: z
        .boolean()
        .default(true)
        .describe(
          'True if plugins create anything that must be cleaned up. If false, resources get no finalizer, which saves a write for each, and are deleted immediately without calling a plugin.',
        ),
      whenPluginGone: z
        .enum(['wait', 'fallback', 'release'])
        .default('wait')
        .describe(
          'While the plugin that has to clean up is unavailable: `wait` for it, let any `fallback` plugin clean up, or `release` the resource.',
        ),
      releaseAfter: duration
        .default(limits.delegation.releaseAfter)
        .describe('Time between the deletion and the release of a resource, with `release`. Default 5m.'),
    })
    .prefault({})
    .describe('Deletion of resources.'),
  handOver: z
    .enum(['retain', 'finalize'])
    .default('retain')
    .describe(
      'When another plugin is selected for a resource: `retain` what the former one created, or have it `finalize` first.',
    ),
  v0Calls: z
    .enum(['createAlways', 'createThenUpdate'])
    .default('createAlways')
    .describe(
      "Calls of plugins of the first Kplug's protocol: `create` in each pass, as the first Kplug's operator did, or `update` once `create` has succeeded.",
    ),
  v0Concurrency: z
    .int()
    .min(1)
    .max(maxConcurrency)
    .default(limits.delegation.v0Concurrency)
    .describe(
      "Largest number of concurrent calls to one address of a plugin of the first Kplug's protocol. Its Python SDK needs 1. Default 1; recommended: 1 to 32.",
    ),
});

type ReadOnly<T> = T extends object ? { readonly [K in keyof T]: ReadOnly<T[K]> } : T;
type IsSame<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Fails to compile when `DelegationDeclaration` and the input of the schema differ. */
true satisfies IsSame<ReadOnly<DelegationDeclaration>, ReadOnly<z.input<typeof delegationSchema>>>;

/** Describes the issues of a schema on one line. */
export function describeIssues(error: z.ZodError): string {
  return error.issues
    .map(({ path, message }) => (path.length > 0 ? `${path.join('.')}: ${message}` : message))
    .join('; ');
}
