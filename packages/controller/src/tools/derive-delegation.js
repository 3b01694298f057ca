import { CommandError } from '../../../cli/src/command-error.js';
import { groupOf, isKindNamed } from './kind-name.js';
/**
 * The delegation that manifests and a plugin suggest: its base is the kind that no other one points to as an extension, its
 * plugin API the one that the plugin implements. Throws a `CommandError` with advice when that isn't clear.
 *
 * @param wanted the name of the base's kind, where the user gave it.
 */
export function deriveDelegation(manifests, plugin, wanted) {
  const base = deriveBase(manifests, plugin, wanted);
  return { name: base.kind.toLowerCase().slice(0, 63), base, api: chooseApi(base, plugin) };
}
/** The kind among manifests that is delegated to a plugin. Throws as `deriveDelegation` does. */
export function deriveBase(manifests, plugin, wanted) {
  const kinds = kindsOf(manifests);
  return wanted === undefined ? guessBase(kinds, manifests, plugin) : nameBase(kinds, wanted);
}
function nameBase(kinds, wanted) {
  const [found, ...others] = kinds.filter((kind) => isKindNamed(kind, wanted));
  if (!found) throw new CommandError('notFound', `no manifest is of the kind ${wanted}; there are ${list(kinds)}`);
  if (others.length === 0) return found;
  throw new CommandError(
    'usage',
    `--kind ${wanted} may mean any of ${list([found, ...others])}; declare it with --config`,
  );
}
function guessBase(kinds, manifests, plugin) {
  const pointedTo = new Set(manifests.flatMap(readReferences).map(idOf));
  const candidates = kinds.filter((kind) => !pointedTo.has(idOf(kind)) && !isExtensionOf(plugin, kind));
  // From what says most to what says least.
  const guesses = [
    candidates,
    candidates.filter(({ kind }) => plugin.apis.some(({ name }) => isSameName(name, kind))),
    candidates.filter((kind) => manifests.some((manifest) => idOf(manifest) === idOf(kind) && hasExtensions(manifest))),
  ];
  for (const [first, ...others] of guesses) if (first && others.length === 0) return first;
  const which = list(candidates.length > 0 ? candidates : kinds);
  throw new CommandError('usage', `which kind is delegated isn't clear: any of ${which}; name it with --kind`);
}
function chooseApi(base, { plugin, apis }) {
  const named = apis.filter(({ name }) => isSameName(name, base.kind));
  const [only, ...others] = named.length > 0 ? named : apis;
  if (only && others.length === 0) return only.name;
  const names = apis.map(({ name }) => name).join(', ');
  const message = `${plugin} implements several plugin APIs (${names}) and none is named ${base.kind}; declare which with --config`;
  throw new CommandError('usage', message);
}
function kindsOf(manifests) {
  const kinds = new Map(manifests.map(({ apiVersion, kind }) => [idOf({ apiVersion, kind }), { apiVersion, kind }]));
  return [...kinds.values()];
}
function readReferences({ spec }) {
  const listed = spec?.extensions;
  return Array.isArray(listed) ? listed.filter(isReference) : [];
}
function hasExtensions({ spec }) {
  return Array.isArray(spec?.extensions);
}
function isReference(value) {
  if (typeof value !== 'object' || value === null) return false;
  return (
    'apiVersion' in value && typeof value.apiVersion === 'string' && 'kind' in value && typeof value.kind === 'string'
  );
}
function isExtensionOf({ apis }, { apiVersion, kind }) {
  const understood = apis.flatMap(({ extensionKinds }) => extensionKinds);
  return understood.some((one) => one.kind === kind && (!one.group || one.group === groupOf(apiVersion)));
}
function isSameName(a, b) {
  return a.toLowerCase() === b.toLowerCase();
}
function idOf({ apiVersion, kind }) {
  return `${apiVersion}/${kind}`;
}
function list(kinds) {
  return kinds.map(idOf).join(', ');
}
//# sourceMappingURL=derive-delegation.js.map
