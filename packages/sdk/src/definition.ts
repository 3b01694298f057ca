import type { ApiDefinition, ApiImplementation, SeveralApisDefinition } from './plugin.ts';
import { PluginError } from './plugin-error.ts';

/** A plugin API as it is registered. */
export interface RegisteredApi {
  name: string;
  version: string;
  extensionKinds: { group: string; kind: string }[];
  capabilities: Record<string, string>;
}

const name = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;

/** Semantic versioning 2.0.0, as its site suggests to match it but for the named groups. */
const version =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$/;

/** The APIs that are implemented by the same functions. */
export interface ApiPart {
  apis: RegisteredApi[];
  implementation: ApiImplementation;
}

/** Checks what can be wrong with a plugin of several APIs. Throws `InvalidDefinition`. */
export function readParts(definition: SeveralApisDefinition): ApiPart[] {
  const parts = definition.apis.map((implementation) => readPart(definition, implementation));
  const names = parts.flatMap(({ apis }) => apis.map((api) => `${api.name}@${api.version}`));
  if (names.length === 0) throw invalid('the list of APIs', 'at least one implementApi({ api, reconcile })');
  const twice = names.find((one, index) => names.indexOf(one) !== index);
  if (twice) throw invalid(`the API ${twice}, which is implemented twice,`, 'it once');
  return parts;
}

/** Checks what can be wrong with a definition, and reads the APIs that it implements. Throws `InvalidDefinition`. */
export function readPart(plugin: { name: string; version: string }, implementation: ApiImplementation): ApiPart {
  if (!name.test(plugin.name)) throw invalid(`the plugin's name "${plugin.name}"`, 'a name such as PostgreSQL');
  if (!version.test(plugin.version)) throw invalid(`the plugin's version "${plugin.version}"`, 'such as 1.2.0');
  const { api, extensions = {} } = implementation;
  const apis = Array.isArray(api) ? api : [api];
  if (apis.length === 0) throw invalid('the list of APIs', 'at least one, such as DatabaseTable@1.0.0');
  const kinds = Object.keys(extensions);
  return { implementation, apis: apis.map((one) => readApi(typeof one === 'string' ? splitApi(one) : one, kinds)) };
}

function readApi(api: ApiDefinition, kinds: string[]): RegisteredApi {
  if (!name.test(api.name)) throw invalid(`the API's name "${api.name}"`, 'a name such as DatabaseTable');
  if (!version.test(api.version)) throw invalid(`the version "${api.version}" of the API ${api.name}`, 'such as 1.0.0');
  return {
    name: api.name,
    version: api.version,
    extensionKinds: (api.extensionKinds ?? kinds).map(splitKind),
    capabilities: api.capabilities ?? {},
  };
}

function splitApi(api: string): ApiDefinition {
  const at = api.indexOf('@');
  if (at < 0) throw invalid(`the API "${api}"`, 'name and version, such as DatabaseTable@1.0.0');
  return { name: api.slice(0, at), version: api.slice(at + 1) };
}

function splitKind(text: string): { group: string; kind: string } {
  const dot = text.indexOf('.');
  return dot < 0 ? { group: '', kind: text } : { group: text.slice(dot + 1), kind: text.slice(0, dot) };
}

function invalid(what: string, expected: string): PluginError {
  return new PluginError('InvalidDefinition', `${what} is malformed; write ${expected}`, {
    reason: 'InvalidDefinition',
  });
}
