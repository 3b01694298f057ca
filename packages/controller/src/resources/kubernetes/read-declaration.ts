import { isJsonObject } from '../json.ts';
import type { JsonObject, Resource } from '../resource.ts';
import type { ExpectedPlugin } from '../services/plugin-declarations.ts';
import type { ServiceReference } from './declared-service.ts';
import { ownLabel } from './plugin-store.ts';

/** Label that declares a Service as a plugin, without a `Plugin` for it. */
export const pluginLabel = { name: 'kplug.dev/plugin', value: 'true' } as const;

/** Annotation of such a Service: its plugin APIs, as `Foo@1.0.0,Bar`. */
const apiAnnotation = 'kplug.dev/api';

/** Annotation of such a Service: its port, by number or name. */
const portAnnotation = 'kplug.dev/port';

/** Annotations of such a Service: the CAs that may issue the plugin's certificate (PEM), and the name that it must have. */
const caAnnotation = 'kplug.dev/ca-bundle';
const serverNameAnnotation = 'kplug.dev/server-name';

/** Annotation of such a Service that is called in plain text, with the value `true`. */
const insecureAnnotation = 'kplug.dev/insecure';

/** Declaration of a plugin that sends no heartbeats. */
export interface ReadDeclaration {
  name: string;
  expected: ExpectedPlugin;
  /** Service or address of the plugin. */
  place: { service: ServiceReference } | { address: string };
  /** CAs that may issue the plugin's certificate, and the name that it must have. Default: that of the Service, or the host. */
  tls?: { caBundle: string; serverName?: string };
  /** True if the plugin may be called in plain text. */
  insecure?: boolean;
  /** Generation of the `Plugin`, when a user wrote one. */
  generation?: number;
  /** Spec of the `Plugin` that the operator writes, when no user wrote one. */
  spec?: JsonObject;
}

/** Reads the declaration in a `Plugin`; `undefined` for one that the operator wrote. */
export function readPlugin({ metadata, spec = {} }: Resource): ReadDeclaration | undefined {
  if (metadata.labels?.[ownLabel.name] === ownLabel.value) return undefined;
  const { service, address } = spec;
  const { name, generation } = metadata;
  const declaration = { name, generation, expected: readExpected(spec), ...readSecurity(spec) };
  if (typeof address === 'string') return { ...declaration, place: { address } };
  if (!isJsonObject(service) || typeof service.name !== 'string') return undefined;
  const port = typeof service.port === 'number' || typeof service.port === 'string' ? { port: service.port } : {};
  return { ...declaration, place: { service: { name: service.name, ...port } } };
}

/** Reads the declaration in a Service; `undefined` for one that isn't labelled as a plugin. */
export function readLabelled({ metadata }: Resource): ReadDeclaration | undefined {
  const { name, labels = {}, annotations = {} } = metadata;
  if (labels[pluginLabel.name] !== pluginLabel.value) return undefined;
  const apis = splitApis(annotations[apiAnnotation] ?? '');
  const given = annotations[portAnnotation];
  const port = given === undefined ? {} : { port: /^\d+$/.test(given) ? Number(given) : given };
  const service = { name, ...port };
  const caBundle = annotations[caAnnotation];
  const serverName = annotations[serverNameAnnotation];
  const security = {
    ...(caBundle !== undefined && { tls: { caBundle, ...(serverName !== undefined && { serverName }) } }),
    ...(annotations[insecureAnnotation] === 'true' && { insecure: true }),
  };
  const spec = { source: 'service', service: { ...service }, ...security };
  return { name, expected: { apis }, place: { service }, spec, ...security };
}

function readSecurity({ tls, insecure }: JsonObject): Pick<ReadDeclaration, 'tls' | 'insecure'> {
  const { caBundle, serverName } = isJsonObject(tls) ? tls : {};
  return {
    ...(typeof caBundle === 'string' && {
      tls: { caBundle, ...(typeof serverName === 'string' && { serverName }) },
    }),
    ...(insecure === true && { insecure }),
  };
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
