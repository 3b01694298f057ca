import { isJsonObject } from '../json.ts';
import type { ExpectedPlugin } from '../plugin-declarations.ts';
import type { JsonObject, Resource } from '../resource.ts';
import type { ServiceReference } from './declared-service.ts';
import { ownLabel } from './plugin-store.ts';

/** What makes a Service a plugin, in place of a `Plugin` that names it. */
export const pluginLabel = { name: 'kplug.dev/plugin', value: 'true' } as const;

/** On such a Service: its plugin APIs, as `Foo@1.0.0,Bar`. */
const apiAnnotation = 'kplug.dev/api';

/** On such a Service: its port, by number or by name. */
const portAnnotation = 'kplug.dev/port';

/** What a user said of a plugin that doesn't beat. */
export interface ReadDeclaration {
  name: string;
  expected: ExpectedPlugin;
  /** Where it is. */
  place: { service: ServiceReference } | { address: string };
  /** The generation of the `Plugin`, where a user wrote one. */
  generation?: number;
  /** What the operator writes as the spec of one, where no user did. */
  spec?: JsonObject;
}

/** Reads a `Plugin` that a user wrote; nothing for one of the operator's. */
export function readPlugin({ metadata, spec = {} }: Resource): ReadDeclaration | undefined {
  if (metadata.labels?.[ownLabel.name] === ownLabel.value) return undefined;
  const { service, address } = spec;
  const { name, generation } = metadata;
  const declaration = { name, generation, expected: readExpected(spec) };
  if (typeof address === 'string') return { ...declaration, place: { address } };
  if (!isJsonObject(service) || typeof service.name !== 'string') return undefined;
  const port = typeof service.port === 'number' || typeof service.port === 'string' ? { port: service.port } : {};
  return { ...declaration, place: { service: { name: service.name, ...port } } };
}

/** Reads a Service that is labelled as a plugin; nothing for any other. */
export function readLabelled({ metadata }: Resource): ReadDeclaration | undefined {
  const { name, labels = {}, annotations = {} } = metadata;
  if (labels[pluginLabel.name] !== pluginLabel.value) return undefined;
  const apis = splitApis(annotations[apiAnnotation] ?? '');
  const given = annotations[portAnnotation];
  const port = given === undefined ? {} : { port: /^\d+$/.test(given) ? Number(given) : given };
  const service = { name, ...port };
  return { name, expected: { apis }, place: { service }, spec: { source: 'service', service: { ...service } } };
}

function readExpected({ plugin, version, apis }: JsonObject): ExpectedPlugin {
  const given = Array.isArray(apis) ? apis.filter(isJsonObject) : [];
  return {
    ...(typeof plugin === 'string' && { plugin }),
    ...(typeof version === 'string' && { version }),
    apis: given.flatMap(({ name, version: range }) =>
      typeof name === 'string' ? [{ name, ...(typeof range === 'string' && { version: range }) }] : [],
    ),
  };
}

function splitApis(text: string): ExpectedPlugin['apis'] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => {
      const [name = '', version] = part.split('@');
      return { name, ...(version !== undefined && { version }) };
    });
}
