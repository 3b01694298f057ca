import { z } from 'zod';
import { KplugError, messageOf } from '../errors.ts';
import { parsePattern, parseRange } from '../selection/preference.ts';
import type { SelectionRules } from '../selection/select.ts';
import { duration } from './duration.ts';

const name = z
  .string()
  .max(63)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, 'must be lower case letters, digits and "-"');

const apiVersion = z
  .string()
  .regex(/^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?v[a-z0-9]+$/, 'must be group/version, such as myorg.org/v1alpha1');

const kind = z.string().regex(/^[A-Za-z][A-Za-z0-9]*$/, 'must be a kind in PascalCase, such as DatabaseTable');

const resourceKind = z.strictObject({ apiVersion, kind });

const pattern = z.string().superRefine((text, context) => {
  try {
    parsePattern(text);
  } catch (error) {
    context.addIssue({ code: 'custom', message: messageOf(error) });
  }
});

const path = z.string().regex(/^(\.[A-Za-z0-9_-]+)+$/, 'must be a path of fields, such as .spec.extensions');

/**
 * A delegation, as an operator's author declares it in code or in `kplug.yaml`. Durations are milliseconds or texts such as
 * `60s`.
 */
export const delegationSchema = z.strictObject({
  /** Names the delegation in statuses, metrics and logs. Unique within an operator. */
  name,
  /** The kind that is delegated. */
  base: resourceKind,
  /** The plugin API and the range of its versions that is accepted: `DatabaseTable@^1.0.0`. Without a range, any version. */
  api: pattern,
  /** The extension resources that a base points to. */
  extensions: z
    .strictObject({
      /** Where the base lists them, as `{ apiVersion, kind, name }`. */
      path: path.default('.spec.extensions'),
      /** The kinds that may be pointed to. Default: any. */
      kinds: z.array(resourceKind).optional(),
    })
    .prefault({}),
  /** How one plugin is selected for a resource. */
  selection: z
    .strictObject({
      /** Where a resource says what it prefers, as `Name` or `Name@range`. */
      preferencePath: path.default('.spec.preferredImplementation'),
      /** When the preferred plugin isn't there: take `any`, take `none`, or the first of a list that is there. */
      fallback: z.union([z.enum(['any', 'none']), z.array(pattern).min(1)]).default('any'),
      /** Let `one` plugin reconcile, or `all`, each under its own name in the status. */
      mode: z.enum(['one', 'all']).default('one'),
      /** Capabilities that a plugin must have, with these values. */
      capabilities: z.record(z.string(), z.string()).default({}),
    })
    .prefault({}),
  /** How long a plugin has for one call. Default 60 s; 1 s to 1 h is sane. */
  deadline: duration.default(60_000),
  /** After how long a resource is reconciled again although nothing changed, unless its plugin says otherwise. Default 10 min. */
  resync: duration.default(600_000),
  /** How many resources are reconciled at once. Default 32; 1 to 1,000 is sane. */
  concurrency: z.int().min(1).max(10_000).default(32),
  /** How long to wait between tries of a resource that fails. */
  backOff: z.strictObject({ initial: duration.default(200), max: duration.default(300_000) }).prefault({}),
  /** What happens when a resource is deleted. */
  finalize: z
    .strictObject({
      /**
       * Whether plugins make anything that has to be undone. If not, resources get no finalizer, which spares a write for each,
       * and go at once; no plugin is asked.
       */
      needed: z.boolean().default(true),
      /** When the plugin that should undo its work is gone: `wait` for it, let any `fallback` do it, or `release` the resource. */
      whenPluginGone: z.enum(['wait', 'fallback', 'release']).default('wait'),
      /** With `release`: after how long. Default 5 min. */
      releaseAfter: duration.default(300_000),
    })
    .prefault({}),
  /** When a resource goes to another plugin: `retain` what the former one made, or ask it to `finalize`. */
  handOver: z.enum(['retain', 'finalize']).default('retain'),
});

/** A delegation as it is written. */
export type DelegationDeclaration = z.input<typeof delegationSchema>;

/** A delegation with its defaults filled in and its ranges read. */
export interface DelegationSettings
  extends Omit<z.output<typeof delegationSchema>, 'api' | 'extensions' | 'selection'> {
  /** The plugin API. */
  api: string;
  extensions: { path: readonly string[]; kinds: readonly { apiVersion: string; kind: string }[] | undefined };
  preferencePath: readonly string[];
  rules: SelectionRules;
  /** Who writes the status of base resources. */
  fieldManager: string;
  /** The finalizer that is put on base resources. */
  finalizer: string;
}

/** Checks a declaration and fills in what it leaves out. Throws `InvalidConfiguration`, naming each field that is wrong. */
export function readDeclaration(declaration: unknown): DelegationSettings {
  const { success, data, error } = delegationSchema.safeParse(declaration);
  if (!success) {
    const named = (declaration as { name?: unknown } | null)?.name;
    const label = typeof named === 'string' ? `delegation "${named}"` : 'a delegation';
    throw new KplugError('InvalidConfiguration', `${label} is malformed: ${describeIssues(error)}`, { cause: error });
  }
  const { api, extensions, selection, ...rest } = data;
  const at = api.indexOf('@');
  return {
    ...rest,
    api: at < 0 ? api : api.slice(0, at),
    extensions: { path: splitPath(extensions.path), kinds: extensions.kinds },
    preferencePath: splitPath(selection.preferencePath),
    rules: {
      apiRange: parseRange(at < 0 ? '*' : api.slice(at + 1), api),
      capabilities: selection.capabilities,
      fallback: Array.isArray(selection.fallback) ? selection.fallback.map(parsePattern) : selection.fallback,
      mode: selection.mode,
    },
    fieldManager: `kplug/${data.name}`,
    finalizer: `kplug.dev/${data.name}`,
  };
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
