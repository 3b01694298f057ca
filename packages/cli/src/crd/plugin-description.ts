import type { JsonObject, JsonValue } from '@kplug/controller';
import { isJsonObject } from '@kplug/controller/tools';
import { CommandError } from '../command-error.ts';
import { objectOf, objectsIn } from '../doctor/read-json.ts';

/** Identity of a plugin, and the schemas of its resources, as its SDK writes them. */
export interface PluginDescription {
  plugin: string;
  version: string;
  apis: ApiDescription[];
}

/** Schemas of the resources of a plugin API, in JSON Schema. */
export interface ApiDescription {
  name: string;
  version: string;
  base: JsonObject | undefined;
  /** Schemas of extensions, by `Kind` or `Kind.group`. */
  extensions: ReadonlyMap<string, JsonObject>;
}

/** Reads the description that a plugin wrote. Throws a `CommandError` if it is none. */
export function readDescription(value: JsonValue): PluginDescription {
  const { plugin, version, apis } = objectOf(value);
  if (typeof plugin !== 'string' || typeof version !== 'string' || !Array.isArray(apis)) {
    throw new CommandError('failed', 'the plugin wrote a malformed description; update its SDK');
  }
  return { plugin, version, apis: objectsIn(apis).map(readApi) };
}

function readApi({ name, version, base, extensions }: JsonObject): ApiDescription {
  const described = Object.entries(objectOf(extensions)).flatMap(([kind, schema]) =>
    isJsonObject(schema) ? [[kind, schema] as const] : [],
  );
  return {
    name: String(name),
    version: String(version),
    base: isJsonObject(base) ? base : undefined,
    extensions: new Map(described),
  };
}
