import { z } from 'zod';
import { KplugError, messageOf } from '../errors.ts';
import { parsePattern, parseRange } from '../selection/preference.ts';
import type { SelectionRules } from '../selection/select.ts';
import { durationSchema as duration } from '../settings/duration-schema.ts';

const name = z
  .string()
  .max(63)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, 'must be lower case letters, digits and "-"');

const apiVersion = z
  .string()
  .max(253)
  .regex(/^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?v[a-z0-9]+$/, 'must be group/version, such as myorg.org/v1alpha1');

const kind = z
  .string()
  .max(63)
  .regex(/^[A-Za-z][A-Za-z0-9]*$/, 'must be a kind in PascalCase, such as DatabaseTable');

const resourceKind = z.strictObject({ apiVersion, kind });

const pattern = z
  .string()
  .max(253)
  .superRefine((text, context) => {
    try {
      parsePattern(text);
    } catch (error) {
      context.addIssue({ code: 'custom', message: messageOf(error) });
    }
  });

const path = z
  .string()
  .max(253)
  .regex(/^(\.[A-Za-z0-9_-]+)+$/, 'must be a path of fields, such as .spec.extensions');

/** What may be as long as an object of Kubernetes lets it be, and short enough for rules over it to be cheap. */
const mostListed = 64;

/**
 * A delegation, as an operator's author declares it in code or in `kplug.yaml`, and as the `Delegation` resource has it in its
 * spec, there without the name. Durations are milliseconds or texts such as `60s`. The descriptions are also those of the
 * resource's definition and of the chart's values.
 */
export const delegationSchema = z.strictObject({
  name: name.describe('Names the delegation in statuses, metrics and logs. Unique within an operator.'),
  base: resourceKind.describe('The kind that is delegated.'),
  namespaces: z
    .array(name)
    .min(1)
    .max(mostListed)
    .optional()
    .describe('The namespaces whose resources are delegated. Default: all that the operator follows.'),
  labels: z
    .record(z.string().max(317), z.string().max(63))
    .default({})
    .describe('The labels that a resource must have to be delegated, with these values. Default: none.'),
  api: pattern.describe(
    'The plugin API and the range of its versions that is accepted, such as `DatabaseTable@^1.0.0`. Without a range, any version.',
  ),
  extensions: z
    .strictObject({
      path: path
        .default('.spec.extensions')
        .describe('Where a base lists its extensions, as `{ apiVersion, kind, name }`.'),
      kinds: z
        .array(resourceKind)
        .max(mostListed)
        .optional()
        .describe('The kinds that may be pointed to. Default: any.'),
    })
    .prefault({})
    .describe('The extension resources that a base points to.'),
  dependents: z
    .strictObject({
      kinds: z
        .array(resourceKind)
        .max(mostListed)
        .default([])
        .describe('The kinds that plugins may have kept. Default: none.'),
    })
    .prefault({})
    .describe('The resources that plugins may have the operator keep for a base, in its namespace.'),
  selection: z
    .strictObject({
      preferencePath: path
        .default('.spec.preferredImplementation')
        .describe('Where a resource says what it prefers, as `Name` or `Name@range`.'),
      fallback: z
        .enum(['any', 'none'])
        .optional()
        .describe("When the preferred plugin isn't there: take `any`, or `none`. Default: `any`."),
      fallbackOrder: z
        .array(pattern)
        .min(1)
        .max(mostListed)
        .optional()
        .describe(
          "When the preferred plugin isn't there: take the first of these that is. Not together with `fallback`.",
        ),
      mode: z
        .enum(['one', 'all'])
        .default('one')
        .describe('Let `one` plugin reconcile, or `all`, each under its own name in the status.'),
      capabilities: z
        .record(z.string().max(253), z.string().max(253))
        .default({})
        .describe('Capabilities that a plugin must have, with these values.'),
    })
    .prefault({})
    .refine(({ fallback, fallbackOrder }) => !fallback || !fallbackOrder, {
      path: ['fallbackOrder'],
      message: 'fallback and fallbackOrder contradict each other; remove one',
    })
    .describe('How one plugin is selected for a resource.'),
  deadline: duration.default(60_000).describe('How long a plugin has for one call. Default 60s; 1s to 1h is sane.'),
  resync: duration
    .default(600_000)
    .describe(
      'After how long a resource is reconciled again although nothing changed, unless its plugin says otherwise. Default 10m.',
    ),
  concurrency: z
    .int()
    .min(1)
    .max(10_000)
    .optional()
    .describe("How many resources are reconciled at once. Default: the operator's, which is 32; 1 to 1,000 is sane."),
  backOff: z
    .strictObject({
      initial: duration.default(200).describe('The first wait. Default 200ms.'),
      max: duration.default(300_000).describe('The longest wait. Default 5m.'),
    })
    .prefault({})
    .describe('How long to wait between tries of a resource that fails.'),
  finalize: z
    .strictObject({
      needed: z
        .boolean()
        .default(true)
        .describe(
          'Whether plugins make anything that has to be undone. If not, resources get no finalizer, which spares a write for each, and go at once; no plugin is asked.',
        ),
      whenPluginGone: z
        .enum(['wait', 'fallback', 'release'])
        .default('wait')
        .describe(
          'When the plugin that should undo its work is gone: `wait` for it, let any `fallback` do it, or `release` the resource.',
        ),
      releaseAfter: duration.default(300_000).describe('With `release`: after how long. Default 5m.'),
    })
    .prefault({})
    .describe('What happens when a resource is deleted.'),
  handOver: z
    .enum(['retain', 'finalize'])
    .default('retain')
    .describe(
      'When a resource goes to another plugin: `retain` what the former one made, or ask it to `finalize` first.',
    ),
});

/** A delegation as it is written. */
export type DelegationDeclaration = z.input<typeof delegationSchema>;

/** A delegation with its defaults filled in and its ranges read. */
export interface DelegationSettings
  extends Omit<z.output<typeof delegationSchema>, 'api' | 'extensions' | 'selection' | 'namespaces' | 'concurrency'> {
  /** The plugin API. */
  api: string;
  concurrency: number;
  /** `undefined`: all. */
  namespaces: ReadonlySet<string> | undefined;
  extensions: { path: readonly string[]; kinds: readonly { apiVersion: string; kind: string }[] | undefined };
  preferencePath: readonly string[];
  rules: SelectionRules;
  /** Who writes the status of base resources. */
  fieldManager: string;
  /** The finalizer that is put on base resources. */
  finalizer: string;
}

/** What holds where a declaration doesn't say otherwise. */
export interface DelegationDefaults {
  /** Default 32. */
  concurrency?: number | undefined;
}

/** Checks a declaration and fills in what it leaves out. Throws `InvalidConfiguration`, naming each field that is wrong. */
export function readDeclaration(declaration: unknown, defaults: DelegationDefaults = {}): DelegationSettings {
  const { success, data, error } = delegationSchema.safeParse(declaration);
  if (!success) {
    const named = (declaration as { name?: unknown } | null)?.name;
    const label = typeof named === 'string' ? `delegation "${named}"` : 'a delegation';
    throw new KplugError('InvalidConfiguration', `${label} is malformed: ${describeIssues(error)}`, { cause: error });
  }
  const { api, extensions, selection, namespaces, ...rest } = data;
  const at = api.indexOf('@');
  return {
    ...rest,
    concurrency: rest.concurrency ?? defaults.concurrency ?? 32,
    api: at < 0 ? api : api.slice(0, at),
    namespaces: namespaces && new Set(namespaces),
    extensions: { path: splitPath(extensions.path), kinds: extensions.kinds },
    preferencePath: splitPath(selection.preferencePath),
    rules: {
      apiRange: parseRange(at < 0 ? '*' : api.slice(at + 1), api),
      capabilities: selection.capabilities,
      fallback: selection.fallbackOrder?.map(parsePattern) ?? selection.fallback ?? 'any',
      mode: selection.mode,
    },
    fieldManager: `kplug/${data.name}`,
    finalizer: `kplug.dev/${data.name}`,
  };
}

/** Whether two delegations are of the same kind. */
export function isOfSameKind({ base: a }: DelegationSettings, { base: b }: DelegationSettings): boolean {
  return a.kind === b.kind && a.apiVersion === b.apiVersion;
}

/** Whether two delegations may both reconcile some resource. */
export function overlap(a: DelegationSettings, b: DelegationSettings): boolean {
  if (!isOfSameKind(a, b)) return false;
  // No resource has a label in two values.
  if (Object.entries(a.labels).some(([label, value]) => (b.labels[label] ?? value) !== value)) return false;
  return !a.namespaces || !b.namespaces || [...a.namespaces].some((namespace) => b.namespaces?.has(namespace));
}

/** The issues that a schema found, on one line. */
export function describeIssues(error: z.ZodError): string {
  return error.issues
    .map(({ path, message }) => (path.length > 0 ? `${path.join('.')}: ${message}` : message))
    .join('; ');
}

function splitPath(text: string): readonly string[] {
  return text.slice(1).split('.');
}
