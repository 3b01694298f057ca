import type { z } from 'zod';
import { KplugError } from '../errors.ts';
import { limitTable } from '../limits/limits.ts';
import { readLimit } from '../limits/read-limit.ts';
import { isSameKind, type ResourceKind } from '../resources/resource.ts';
import { type AdmissionRule, admissionOf, admitAll } from '../selection/admission.ts';
import { parsePattern, parseRange } from '../selection/preference.ts';
import type { SelectionRules } from '../selection/select.ts';
import { delegationSchema, describeIssues } from './declaration-schema.ts';
import { grantsRights } from './rights-granting-kinds.ts';

/** A delegation with its defaults applied and its ranges parsed. */
export interface DelegationSettings
  extends Omit<
    z.output<typeof delegationSchema>,
    'api' | 'capability' | 'plugins' | 'dependents' | 'extensions' | 'selection' | 'namespaces' | 'concurrency'
  > {
  /** Name of the plugin API. */
  api: string;
  concurrency: number;
  /** Delegated namespaces; `undefined` for all. */
  namespaces: ReadonlySet<string> | undefined;
  dependents: z.output<typeof delegationSchema>['dependents'] & {
    /** Listed kinds without those that grant rights although their entry doesn't allow it. */
    permittedKinds: readonly ResourceKind[];
  };
  extensions: { path: readonly string[]; kinds: readonly { apiVersion: string; kind: string }[] | undefined };
  preferencePath: readonly string[];
  /** Paths of the capability that a resource asks for; `undefined` if resources ask for none. */
  capabilityPaths: Record<'category' | 'type' | 'version', readonly string[]> | undefined;
  rules: SelectionRules;
  /** Field manager of the status of base resources. */
  fieldManager: string;
  /** Finalizer of base resources. */
  finalizer: string;
}

/** Defaults of fields that a declaration leaves out. */
export interface DelegationDefaults {
  /** Largest number of resources reconciled concurrently. Default 32. */
  concurrency?: number | undefined;
  /** Plugins that may serve the API of a delegation without `plugins.from`. Default: all. */
  admission?: AdmissionRule | undefined;
}

/** Validates a declaration and applies defaults. Throws `InvalidConfiguration`, naming each invalid field. */
export function readDeclaration(declaration: unknown, defaults: DelegationDefaults = {}): DelegationSettings {
  const { success, data, error } = delegationSchema.safeParse(declaration);
  if (!success) {
    const named = (declaration as { name?: unknown } | null)?.name;
    const label = typeof named === 'string' ? `delegation "${named}"` : 'a delegation';
    throw new KplugError('InvalidConfiguration', `${label} is malformed: ${describeIssues(error)}`, { cause: error });
  }
  const { api, capability, plugins, dependents, extensions, selection, namespaces, ...rest } = data;
  const at = api.indexOf('@');
  return {
    ...rest,
    concurrency: rest.concurrency ?? readLimit(limitTable.delegation.concurrency, defaults.concurrency),
    api: at < 0 ? api : api.slice(0, at),
    namespaces: namespaces && new Set(namespaces),
    dependents: {
      ...dependents,
      permittedKinds: dependents.kinds.filter((kind) => kind.allowPrivileged || !grantsRights(kind)).map(kindOf),
    },
    extensions: { path: splitPath(extensions.path), kinds: extensions.kinds },
    preferencePath: splitPath(selection.preferencePath),
    capabilityPaths: capability && {
      category: splitPath(capability.categoryPath),
      type: splitPath(capability.typePath),
      version: splitPath(capability.versionPath),
    },
    rules: {
      apiRange: parseRange(at < 0 ? '*' : api.slice(at + 1), api),
      admission: plugins.from ? admissionOf(plugins.from) : (defaults.admission ?? admitAll),
      capabilities: selection.capabilities,
      fallback: selection.fallbackOrder?.map(parsePattern) ?? selection.fallback ?? 'any',
      mode: selection.mode,
    },
    fieldManager: `kplug/${data.name}`,
    finalizer: `kplug.dev/${data.name}`,
  };
}

/** Reports whether two delegations might reconcile the same resource. */
export function overlap(a: DelegationSettings, b: DelegationSettings): boolean {
  if (!isSameKind(a.base, b.base)) return false;
  // No resource has two values of one label.
  if (Object.entries(a.labels).some(([label, value]) => (b.labels[label] ?? value) !== value)) return false;
  return !a.namespaces || !b.namespaces || [...a.namespaces].some((namespace) => b.namespaces?.has(namespace));
}

function kindOf({ apiVersion, kind }: ResourceKind): ResourceKind {
  return { apiVersion, kind };
}

function splitPath(text: string): readonly string[] {
  return text.slice(1).split('.');
}
