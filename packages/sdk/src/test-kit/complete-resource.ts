import { createHash } from 'node:crypto';
import { messageOf } from '@kplug/protocol';
import { encodeJson } from '../encode-json.ts';
import { PluginError } from '../plugin-error.ts';

/** Resource of a request, and the parts of its key. */
export interface CompleteResource {
  key: string;
  kind: string;
  name: string;
  namespace: string;
  generation: number;
  json: Uint8Array;
}

/** Fields that a resource has if the test leaves them out. Without a default, the test must have the field. */
export interface ResourceDefaults {
  apiVersion?: string;
  kind?: string;
  name?: string;
  namespace: string;
  /** Further metadata. */
  metadata?: object;
}

type Fields = Record<string, unknown>;

/** Adds what every resource of a cluster has, and encodes a resource. Throws `InvalidInput`, which names it by `what`. */
export function completeResource(what: string, given: unknown, defaults: ResourceDefaults): CompleteResource {
  const resource = readObject(what, given);
  const metadata = readObject(`${what}.metadata`, resource.metadata ?? {});
  const apiVersion = readText(`${what}.apiVersion`, resource.apiVersion, defaults.apiVersion);
  const kind = readText(`${what}.kind`, resource.kind, defaults.kind);
  const name = readText(`${what}.metadata.name`, metadata.name, defaults.name);
  const namespace = metadata.namespace ?? defaults.namespace;
  if (typeof namespace !== 'string') throw invalid(`${what}.metadata.namespace`, namespace, 'a text');
  const { generation = 1 } = metadata;
  if (!Number.isSafeInteger(generation)) throw invalid(`${what}.metadata.generation`, generation, 'an integer');
  for (const field of ['labels', 'annotations']) checkTexts(`${what}.metadata.${field}`, metadata[field]);
  const slash = apiVersion.indexOf('/');
  const versioned = slash < 0 ? `/${apiVersion}` : apiVersion;
  const key = `${versioned}/${kind}/${namespace}/${name}`;
  const completed = {
    uid: uidOf(key),
    resourceVersion: '1',
    creationTimestamp: '2000-01-01T00:00:00Z',
    ...defaults.metadata,
    ...metadata,
    generation,
    name,
    // Cluster-scoped resources have none.
    namespace: namespace || undefined,
  };
  const json = encode(what, { ...resource, apiVersion, kind, metadata: completed });
  return { key, kind, name, namespace, generation: Number(generation), json };
}

/** Makes the error for a part of the input that is not what it must be. */
export function invalid(what: string, given: unknown, expected: string): PluginError {
  return invalidInput(`${what} is ${describe(given)}; it must be ${expected}`);
}

/** Makes the error for an invalid input of a test. */
export function invalidInput(message: string): PluginError {
  return new PluginError('InvalidInput', message, { reason: 'InvalidInput' });
}

/** Returns an object of the input. Throws `InvalidInput` for anything else. */
export function readObject(what: string, given: unknown): Fields {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw invalid(what, given, 'an object');
  return given as Fields;
}

/** Throws `InvalidInput` for a field that does not exist. Tests in JavaScript have no compiler that would find it. */
export function checkNames(what: string, given: object, known: readonly string[]): void {
  const unknown = Object.keys(given).find((field) => !known.includes(field));
  if (unknown) throw invalidInput(`${what} has the unknown field "${unknown}"; its fields are ${known.join(', ')}`);
}

function readText(what: string, given: unknown, fallback: string | undefined): string {
  const value = given ?? fallback;
  if (value === undefined) throw invalidInput(`${what} is missing; write it`);
  if (typeof value !== 'string' || value === '') throw invalid(what, value, 'a text that is not empty');
  return value;
}

function checkTexts(what: string, given: unknown): void {
  if (given === undefined) return;
  for (const [name, value] of Object.entries(readObject(what, given)))
    if (typeof value !== 'string') throw invalid(`${what}["${name}"]`, value, 'a text, as in Kubernetes');
}

function encode(what: string, resource: object): Uint8Array {
  try {
    return encodeJson(resource);
  } catch (error) {
    throw invalidInput(`${what} can't be encoded as JSON: ${messageOf(error)}`);
  }
}

function describe(given: unknown): string {
  if (typeof given === 'string') return JSON.stringify(given);
  if (Array.isArray(given)) return 'a list';
  if (typeof given === 'function') return 'a function';
  return typeof given === 'object' && given !== null ? 'an object' : String(given);
}

/** Returns a UUID that is the same in each run, so that tests can repeat. */
function uidOf(key: string): string {
  const hex = createHash('sha256').update(key).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
