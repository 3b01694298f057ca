import type { DelegationDeclaration } from '../delegation/declaration.ts';
import { KplugError } from '../errors.ts';
import type { ImplementedApi } from '../registry/registration.ts';
import type { Manifest } from '../resources/check-manifest.ts';
import { isJsonObject } from '../resources/json.ts';
import { isKindNamed } from '../resources/kind-name.ts';
import { isOfGroupKind, isSameKind, type ResourceKind } from '../resources/resource.ts';

/** Name and APIs of the plugin that a delegation is derived for. */
export interface ImplementingPlugin {
  plugin: string;
  apis: readonly Pick<ImplementedApi, 'name' | 'extensionKinds'>[];
}

/**
 * Derives a delegation from manifests and a plugin: its base is the kind that no other kind references as an extension, its
 * plugin API the one that the plugin implements. Throws `NotFound` when no manifest is of the wanted kind, and
 * `InvalidConfiguration` when the base or the API is ambiguous.
 *
 * @param wanted name of the base's kind, if the user gave one.
 */
export function deriveDelegation(
  manifests: readonly Manifest[],
  plugin: ImplementingPlugin,
  wanted: string | undefined,
): DelegationDeclaration {
  const base = deriveBase(manifests, plugin, wanted);
  const field = extensionsField(manifests.filter((manifest) => isSameKind(manifest, base)));
  const extensions = field === undefined ? {} : { extensions: { path: `.spec.${field}` } };
  return { name: base.kind.toLowerCase().slice(0, 63), base, api: chooseApi(base, plugin), ...extensions };
}

/**
 * Returns the field with the extensions of bases if it isn't the default one: `references`, as the first Kplug had it, when no base
 * has `extensions` and each entry is a reference.
 */
function extensionsField(bases: readonly Manifest[]): string | undefined {
  if (bases.some(({ spec }) => spec?.extensions !== undefined)) return undefined;
  const lists = bases.map(({ spec }) => spec?.references).filter((list) => list !== undefined);
  const isUsed = lists.some((list) => Array.isArray(list) && list.length > 0);
  const isWellFormed = lists.every((list) => Array.isArray(list) && list.every(isReference));
  return isUsed && isWellFormed ? 'references' : undefined;
}

/** Returns the kind among manifests that is delegated to a plugin. Throws as `deriveDelegation` does. */
export function deriveBase(
  manifests: readonly Manifest[],
  plugin: ImplementingPlugin,
  wanted: string | undefined,
): ResourceKind {
  const kinds = kindsOf(manifests);
  return wanted === undefined ? guessBase(kinds, manifests, plugin) : nameBase(kinds, wanted);
}

function nameBase(kinds: readonly ResourceKind[], wanted: string): ResourceKind {
  const [found, ...others] = kinds.filter((kind) => isKindNamed(kind, wanted));
  if (!found) throw new KplugError('NotFound', `no manifest has the kind ${wanted}; found ${list(kinds)}`);
  if (others.length === 0) return found;
  throw ambiguous(`--kind ${wanted} is ambiguous: ${list([found, ...others])}; declare the delegation with --config`);
}

function guessBase(
  kinds: readonly ResourceKind[],
  manifests: readonly Manifest[],
  plugin: ImplementingPlugin,
): ResourceKind {
  const referenced = new Set(manifests.flatMap(readReferences).map(idOf));
  const candidates = kinds.filter((kind) => !referenced.has(idOf(kind)) && !isExtensionOf(plugin, kind));
  // Strongest evidence first.
  const guesses = [
    candidates,
    candidates.filter((kind) => plugin.apis.some((api) => isNamedAfter(api, kind))),
    candidates.filter((kind) => manifests.some((manifest) => isSameKind(manifest, kind) && hasExtensions(manifest))),
  ];
  for (const [first, ...others] of guesses) if (first && others.length === 0) return first;
  const which = list(candidates.length > 0 ? candidates : kinds);
  throw ambiguous(`the delegated kind is ambiguous: any of ${which}; name it with --kind`);
}

function chooseApi(base: ResourceKind, { plugin, apis }: ImplementingPlugin): string {
  const named = apis.filter((api) => isNamedAfter(api, base));
  const [only, ...others] = named.length > 0 ? named : apis;
  if (only && others.length === 0) return only.name;
  const names = apis.map(({ name }) => name).join(', ');
  throw ambiguous(
    `${plugin} implements several plugin APIs (${names}) and none is named ${base.kind}; declare one with --config`,
  );
}

function kindsOf(manifests: readonly Manifest[]): ResourceKind[] {
  const kinds = new Map(manifests.map(({ apiVersion, kind }) => [idOf({ apiVersion, kind }), { apiVersion, kind }]));
  return [...kinds.values()];
}

function readReferences({ spec }: Manifest): ResourceKind[] {
  return [spec?.extensions, spec?.references].flatMap((listed) => {
    return Array.isArray(listed) ? (listed as unknown[]).filter(isReference) : [];
  });
}

function hasExtensions(manifest: Manifest): boolean {
  return Array.isArray(manifest.spec?.extensions) || readReferences(manifest).length > 0;
}

function isReference(value: unknown): value is ResourceKind {
  return isJsonObject(value) && typeof value.apiVersion === 'string' && typeof value.kind === 'string';
}

function isExtensionOf({ apis }: ImplementingPlugin, kind: ResourceKind): boolean {
  const understood = apis.flatMap(({ extensionKinds }) => extensionKinds);
  return understood.some((groupKind) => isOfGroupKind(kind, groupKind));
}

/** Plugin APIs are conventionally named after the kind that they reconcile, some in lower case. */
function isNamedAfter({ name }: { name: string }, kind: ResourceKind): boolean {
  return name.toLowerCase() === kind.kind.toLowerCase();
}

function ambiguous(message: string): KplugError {
  return new KplugError('InvalidConfiguration', message);
}

function idOf({ apiVersion, kind }: ResourceKind): string {
  return `${apiVersion}/${kind}`;
}

function list(kinds: readonly ResourceKind[]): string {
  return kinds.map(idOf).join(', ');
}
