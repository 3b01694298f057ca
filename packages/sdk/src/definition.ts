import type { ApiDefinition, ExtensionShapes, PluginDefinition, ResourceShape } from './plugin.ts';
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

/** Checks what can be wrong with a definition, and returns the APIs that it implements. Throws `InvalidDefinition`. */
export function readApis<B extends ResourceShape, E extends ExtensionShapes>(
  definition: PluginDefinition<B, E>,
): RegisteredApi[] {
  if (!name.test(definition.name)) throw invalid(`the plugin's name "${definition.name}"`, 'a name such as PostgreSQL');
  if (!version.test(definition.version)) throw invalid(`the plugin's version "${definition.version}"`, 'such as 1.2.0');
  const apis = Array.isArray(definition.api) ? definition.api : [definition.api];
  if (apis.length === 0) throw invalid('the list of APIs', 'at least one, such as DatabaseTable@1.0.0');
  const kinds = Object.keys(definition.extensions ?? {});
  return apis.map((api) => readApi(typeof api === 'string' ? splitApi(api) : api, kinds));
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
