import type { ApiDefinition, ApiImplementation, MultiApiDefinition, PluginDefinition } from './plugin.ts';
import { PluginError } from './plugin-error.ts';

/** Plugin API as it is registered. */
export interface RegisteredApi {
  name: string;
  version: string;
  extensionKinds: { group: string; kind: string }[];
  capabilities: Record<string, string>;
  provides: { category: string; type: string; versions: string[] }[];
}

const name = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;

/** Semantic version 2.0.0, by the pattern that semver.org suggests. */
const version =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$/;

/** Version of a provided capability: without spaces, commas and operators, which ranges have. */
const providedVersion = /^[A-Za-z0-9]([A-Za-z0-9._+-]{0,61}[A-Za-z0-9])?$/;

type Identity = Pick<PluginDefinition, 'name' | 'version' | 'close'>;

/** APIs that are implemented by the same functions. */
export interface ApiPart {
  apis: RegisteredApi[];
  implementation: ApiImplementation;
}

/** Validates a definition and reads the APIs of the plugin. Throws `InvalidDefinition`. */
export function partsOf(definition: PluginDefinition | MultiApiDefinition): ApiPart[] {
  return 'apis' in definition ? readParts(definition) : [readDefinition(definition)];
}

/** Validates the definition of a plugin of several APIs and reads its APIs. Throws `InvalidDefinition`. */
function readParts(definition: MultiApiDefinition): ApiPart[] {
  checkFields('the definition of the plugin', definition, [...identityFields, 'apis']);
  for (const implementation of definition.apis)
    checkFields('the implementation of an API', implementation, [...apiFields, 'serves']);
  const parts = definition.apis.map((implementation) => readPart(definition, implementation));
  const names = parts.flatMap(({ apis }) => apis.map((api) => `${api.name}@${api.version}`));
  if (names.length === 0) throw malformed('the list of APIs', 'at least one implementApi({ api, reconcile })');
  const duplicate = names.find((name, index) => names.indexOf(name) !== index);
  if (duplicate) throw invalid(`the API ${duplicate} is implemented twice; implement it once`);
  return parts;
}

/** Validates the definition of a plugin of one API, or of several that it treats alike. Throws `InvalidDefinition`. */
function readDefinition(definition: PluginDefinition): ApiPart {
  checkFields('the definition of the plugin', definition, [...identityFields, ...apiFields]);
  return readPart(definition, definition);
}

/** Validates an implementation and reads the APIs that it implements. Throws `InvalidDefinition`. */
function readPart(plugin: Identity, implementation: ApiImplementation): ApiPart {
  if (!name.test(plugin.name)) throw malformed(`the plugin's name "${plugin.name}"`, 'a name such as PostgreSQL');
  if (!version.test(plugin.version)) throw malformed(`the plugin's version "${plugin.version}"`, 'such as 1.2.0');
  const { api, extensions = {} } = implementation;
  const apis = Array.isArray(api) ? api : [api];
  if (apis.length === 0) throw malformed('the list of APIs', 'at least one, such as DatabaseTable@1.0.0');
  checkFunctions(plugin, implementation);
  const kinds = Object.keys(extensions);
  return { implementation, apis: apis.map((one) => readApi(typeof one === 'string' ? splitApi(one) : one, kinds)) };
}

const identityFields = ['name', 'version', 'close'];
const apiFields = ['api', 'base', 'extensions', 'reconcile', 'finalize'];

/** Throws `InvalidDefinition` for a field that does not exist. Plugins in JavaScript have no compiler that would find it. */
export function checkFields(what: string, given: object, known: readonly string[]): void {
  const unknown = Object.keys(given).find((field) => !known.includes(field));
  if (unknown) throw invalid(`${what} has the unknown field "${unknown}"; its fields are ${known.join(', ')}`);
}

/** Throws `InvalidDefinition` unless the functions of an implementation are functions. */
function checkFunctions(plugin: Identity, implementation: ApiImplementation): void {
  const { reconcile, finalize }: { reconcile?: unknown; finalize?: unknown } = implementation;
  for (const [field, value] of Object.entries({ reconcile, finalize, close: plugin.close })) {
    const isMissing = value === undefined;
    if (isMissing && field === 'reconcile')
      throw invalid('the definition of the plugin has no reconcile; add a function');
    if (!isMissing && typeof value !== 'function') throw invalid(`${field} of the plugin must be a function`);
  }
}

function readApi(api: ApiDefinition, kinds: string[]): RegisteredApi {
  if (!name.test(api.name)) throw malformed(`the API's name "${api.name}"`, 'a name such as DatabaseTable');
  if (!version.test(api.version))
    throw malformed(`the version "${api.version}" of the API ${api.name}`, 'such as 1.0.0');
  return {
    name: api.name,
    version: api.version,
    extensionKinds: (api.extensionKinds ?? kinds).map(splitKind),
    capabilities: api.capabilities ?? {},
    provides: readProvided(api.name, api.provides ?? []),
  };
}

/** Validates the capabilities that an API provides, as the controller does. Throws `InvalidDefinition`. */
function readProvided(api: string, provides: RegisteredApi['provides']): RegisteredApi['provides'] {
  const known = new Set<string>();
  for (const { category, type, versions } of provides) {
    for (const part of [category, type]) {
      if (!name.test(part))
        throw malformed(
          `the capability "${part}" of the API ${api}`,
          'a category and a type such as database and postgresql',
        );
    }
    const both = `${category}/${type}`;
    // The controller compares them without regard to case.
    if (known.has(both.toLowerCase()))
      throw invalid(`the API ${api} provides ${both} twice; write it once, with all its versions`);
    known.add(both.toLowerCase());
    checkVersions(both, versions);
  }
  return provides;
}

/** Validates the versions of a capability. Throws `InvalidDefinition`. */
export function checkVersions(capability: string, versions: unknown): void {
  if (!Array.isArray(versions) || versions.length === 0)
    throw invalid(`${capability} has no list of versions; write at least one, such as ['17']`);
  for (const one of versions as unknown[]) {
    if (typeof one !== 'string' || !providedVersion.test(one))
      throw malformed(`the version ${JSON.stringify(one)} of ${capability}`, "a text such as '17' or '10.11'");
  }
}

function splitApi(api: string): ApiDefinition {
  const at = api.indexOf('@');
  if (at < 0) throw malformed(`the API "${api}"`, 'name and version, such as DatabaseTable@1.0.0');
  return { name: api.slice(0, at), version: api.slice(at + 1) };
}

function splitKind(text: string): { group: string; kind: string } {
  const dot = text.indexOf('.');
  return dot < 0 ? { group: '', kind: text } : { group: text.slice(dot + 1), kind: text.slice(0, dot) };
}

function malformed(what: string, expected: string): PluginError {
  return invalid(`${what} is malformed; write ${expected}`);
}

/** Creates the error of an invalid definition. */
export function invalid(message: string): PluginError {
  return new PluginError('InvalidDefinition', message, { reason: 'InvalidDefinition' });
}
