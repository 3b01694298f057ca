import { definePlugin, type Plugin } from './define-plugin.ts';
import { checkFields, checkVersions, invalid } from './definition.ts';
import type {
  ApiDefinition,
  Dependent,
  Dependents,
  FinalizeInput,
  FinalizeResult,
  PluginDefinition,
  Received,
  ReconcileInput,
  ResourceShape,
  RuledDependent,
} from './plugin.ts';
import { terminal } from './plugin-error.ts';

/** Versions of each type of a capability. */
export type CapabilityTypes = Readonly<Record<string, readonly [string, ...string[]]>>;

/** Resource that asks for a capability, with the type and the version that it gets. */
export type CapabilityOwner<Types extends CapabilityTypes = CapabilityTypes, Spec = unknown> = {
  [Type in keyof Types & string]: {
    type: Type;
    version: Types[Type][number];
    /** Version of the last successful call; empty before that. It differs from `version` during an upgrade. */
    previousVersion: string;
    /** Name of the resource. `nameFrom(owner.base, 'db')` makes names of dependents from it. */
    name: string;
    /** Namespace of the resource; empty if it is cluster-scoped. */
    namespace: string;
    spec: Spec;
    base: Received<{ spec: Spec }>;
  };
}[keyof Types & string];

/** Definition of a plugin that provides the types of one category of capabilities. */
export interface CapabilityDefinition<Types extends CapabilityTypes, Spec>
  extends Pick<PluginDefinition<{ spec: Spec }>, 'name' | 'version' | 'base' | 'close'> {
  /** Plugin API that it implements, as `Name@1.0.0` or as an `ApiDefinition`. */
  api: string | Omit<ApiDefinition, 'provides'>;
  /** Category, such as `database`. */
  category: string;
  /** Versions by type: `{ postgresql: ['16', '17'] }`. */
  types: Types;
  /**
   * Returns the resources that make up the capability, in the order in which they become ready. Called again with every change of the
   * owner or of the observed dependents, so the same input must give the same manifests; otherwise each call changes them. Those with the
   * policy `CreateOnly` may differ, for example by a generated password, as an existing one stays as it is.
   */
  dependents(
    owner: CapabilityOwner<Types, Spec>,
    observed: Dependents,
  ): (Dependent | RuledDependent)[] | Promise<(Dependent | RuledDependent)[]>;
  /**
   * Returns the status, such as connection parameters, given the dependents as they are; `undefined` for no change. Called with every
   * change of them. Default: no status.
   */
  status?(owner: CapabilityOwner<Types, Spec>, observed: Dependents): object | undefined | Promise<object | undefined>;
  /** Deletes what is not a dependent. It may report progress until that is done. Default: nothing. */
  finalize?(
    owner: CapabilityOwner<Types, Spec>,
    input: FinalizeInput<{ spec: Spec }>,
  ): FinalizeResult | void | Promise<FinalizeResult | void>;
}

/**
 * Defines a plugin that provides a category of capabilities. The operator applies the dependents, follows them, and calls again when one
 * becomes ready, changes or vanishes. Throws a `PluginError` with the code `InvalidDefinition`.
 */
export function defineCapability<const Types extends CapabilityTypes, Spec = Record<string, unknown>>(
  definition: CapabilityDefinition<Types, Spec>,
): Plugin<{ spec: Spec }> {
  checkDefinition(definition);
  const { name, version, base, close, category, types } = definition;
  const { finalize } = definition;
  const plugin = `${name} ${version}`;
  const provides = Object.entries(types).map(([type, versions]) => ({
    category,
    type,
    versions: [...versions],
  }));
  return definePlugin<{ spec: Spec }>({
    name,
    version,
    api: { ...splitApi(definition.api), provides },
    ...(base && { base }),
    ...(close && { close }),
    reconcile: async (input) => {
      checkProvided(plugin, types, input.capability);
      const owner = ownerOf<Types, Spec>(input);
      const dependents = await definition.dependents(owner, input.dependents);
      const status = await definition.status?.(owner, input.dependents);
      return { dependents, ...(status && { status }) };
    },
    ...(finalize && { finalize: (input) => finalize.call(definition, ownerOf<Types, Spec>(input), input) }),
  });
}

function splitApi(api: string | Omit<ApiDefinition, 'provides'>): Omit<ApiDefinition, 'provides'> {
  if (typeof api !== 'string') return api;
  const [name = '', version = ''] = api.split('@');
  return { name, version };
}

const functions = ['dependents', 'status', 'finalize'] as const;
const fields = ['name', 'version', 'api', 'base', 'category', 'types', ...functions, 'close'];

/** Validates what the definition of a plugin doesn't. Throws `InvalidDefinition`. */
function checkDefinition(
  definition: { category: string; types?: unknown } & Partial<Record<(typeof functions)[number], unknown>>,
): void {
  checkFields('the capability', definition, fields);
  const { category, types } = definition;
  if (typeof types !== 'object' || types === null || Object.keys(types).length === 0)
    throw invalid(`the category ${category} has no types; write at least one, such as { postgresql: ['17'] }`);
  for (const [type, versions] of Object.entries<unknown>({ ...types })) checkVersions(`${category}/${type}`, versions);
  for (const field of functions) {
    const value = definition[field];
    if (typeof value !== 'function' && (value !== undefined || field === 'dependents'))
      throw invalid(`${field} of the capability must be a function`);
  }
}

/** Throws `NoSuchVersion` if a controller asks for what wasn't registered. Finalizing needs no check, so that a base can be deleted. */
function checkProvided(
  plugin: string,
  types: CapabilityTypes,
  capability: ReconcileInput<ResourceShape>['capability'],
): void {
  if (!capability) return;
  const { type, version } = capability;
  const versions: readonly string[] = Object.hasOwn(types, type) ? (types[type] ?? []) : [];
  if (versions.includes(version)) return;
  const provided = versions.length > 0 ? `${type} ${versions.join(', ')}` : Object.keys(types).join(', ');
  throw terminal(`${plugin} provides no ${type} ${version}; it provides ${provided}`, { reason: 'NoSuchVersion' });
}

function ownerOf<Types extends CapabilityTypes, Spec>({
  base,
  capability,
  assignment,
}: ReconcileInput<{ spec: Spec }>): CapabilityOwner<Types, Spec> {
  if (!capability) {
    const message = `the delegation ${assignment.delegation} has no capabilities; add "capability: {}" to it`;
    throw terminal(message, { reason: 'NoCapability' });
  }
  const { type, version, previousVersion } = capability;
  const { name, namespace = '' } = base.metadata;
  const owner = { type, version, previousVersion, name, namespace, spec: base.spec, base };
  // Checked before, except while the base is finalized.
  return owner as unknown as CapabilityOwner<Types, Spec>;
}
