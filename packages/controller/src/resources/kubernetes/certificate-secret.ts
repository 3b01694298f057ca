import { formatJson } from '@kplug/protocol';
import { KplugError, messageOf } from '../../errors.ts';
import { limits } from '../../limits/limits.ts';
import { isJsonObject } from '../json.ts';
import type { JsonObject } from '../resource.ts';
import type {
  CertificateData,
  CertificateReader,
  CertificateStore,
  StoredCertificates,
} from '../services/certificate-store.ts';
import { ApiError } from './api-error.ts';
import { missingRule } from './missing-rule.ts';
import { ownLabel } from './plugin-store.ts';
import type { Transport } from './transport.ts';

const { maxConflictAttempts } = limits.kubernetes;

/** Names and namespaces of stored certificates. */
export interface CertificatePlace {
  /** Namespace of the Secret, and of the ConfigMap. */
  namespace: string;
  /** Name of the operator: the Secret is `NAME-tls`, the ConfigMap `NAME-ca`. */
  name: string;
  /** Additional namespaces in which the CA bundle is published. */
  bundleNamespaces?: readonly string[] | undefined;
}

type Kind = 'Secret' | 'ConfigMap';

const resources = { Secret: 'secrets', ConfigMap: 'configmaps' } as const;

/** Reads and writes single objects of the core API. All methods reject with `StorageFailed`. */
class CoreObjects {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Reads an object; `undefined` when it doesn't exist. */
  async read(kind: Kind, namespace: string, name: string): Promise<JsonObject | undefined> {
    try {
      return await this.#send('GET', 'get', kind, namespace, name);
    } catch (error) {
      if (error instanceof ApiError && error.reason === 'NotFound') return undefined;
      throw failure(error, 'get', { kind, namespace, name });
    }
  }

  /** Creates an object, or replaces the one that was read. Returns `noNamespace` when there is no such namespace. */
  async write(
    kind: Kind,
    namespace: string,
    name: string,
    former: JsonObject | undefined,
    content: JsonObject,
  ): Promise<'written' | 'conflict' | 'noNamespace'> {
    const verb = former ? 'update' : 'create';
    const labels = { [ownLabel.name]: ownLabel.value };
    const metadata = former?.metadata ?? { namespace, name, labels };
    // Data that other clients added stays, as does their metadata.
    const body = { ...former, apiVersion: 'v1', kind, metadata, ...content };
    try {
      await this.#send(former ? 'PUT' : 'POST', verb, kind, namespace, former ? name : '', body);
      return 'written';
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.reason === 'Conflict') return 'conflict';
      if (error.reason === 'NotFound') return former ? 'conflict' : 'noNamespace';
      throw failure(error, verb, { kind, namespace, name });
    }
  }

  #send(
    method: 'GET' | 'POST' | 'PUT',
    verb: string,
    kind: Kind,
    namespace: string,
    name: string,
    body?: JsonObject,
  ): Promise<JsonObject> {
    const resource = resources[kind];
    const collection = `/api/v1/namespaces/${encodeURIComponent(namespace)}/${resource}`;
    return this.#transport.request({
      method,
      path: name ? `${collection}/${encodeURIComponent(name)}` : collection,
      verb,
      resource,
      ...(body && { body: formatJson(body), contentType: 'application/json' }),
      // Replicas that don't lead share and renew the certificates, too. Resource versions order their writes.
      isUnfenced: true,
    });
  }
}

/** Stores the operator's certificates in a Secret, and publishes its CA bundle in ConfigMaps. */
export class CertificateSecret implements CertificateStore {
  readonly #objects: CoreObjects;
  readonly #namespace: string;
  readonly #name: string;
  readonly #bundleName: string;
  readonly #bundleNamespaces: readonly string[];
  /** Objects that were read, by resource version. */
  #read: { version: string; object: JsonObject } | undefined;

  constructor(transport: Transport, { namespace, name, bundleNamespaces = [] }: CertificatePlace) {
    this.#objects = new CoreObjects(transport);
    this.#namespace = namespace;
    this.#name = `${name}-tls`;
    this.#bundleName = `${name}-ca`;
    this.#bundleNamespaces = [...new Set([namespace, ...bundleNamespaces])];
  }

  get place(): string {
    return `the Secret ${this.#namespace}/${this.#name}`;
  }

  async read(): Promise<StoredCertificates | undefined> {
    const object = await this.#objects.read('Secret', this.#namespace, this.#name);
    if (!object) return undefined;
    const data = dataOf(object);
    const version = versionOf(object);
    this.#read = { version, object };
    // An empty Secret that a user or a tool created beforehand holds no certificates yet.
    return Object.keys(data).length === 0 ? undefined : { data, version };
  }

  async write(data: CertificateData, version: string | undefined): Promise<'written' | 'conflict'> {
    const encoded = Object.fromEntries(
      Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString('base64')]),
    );
    const read = this.#read;
    const isEmpty = version === undefined && read !== undefined && Object.keys(dataOf(read.object)).length === 0;
    const former = isEmpty || (version !== undefined && read?.version === version) ? read?.object : undefined;
    if (version !== undefined && !former) return 'conflict';
    const content = { ...(former ? {} : { type: 'Opaque' }), data: encoded };
    const result = await this.#objects.write('Secret', this.#namespace, this.#name, former, content);
    // After a conflict the object is read again.
    this.#read = undefined;
    if (result !== 'noNamespace') return result;
    const message = `${this.place} can't be created: there is no namespace ${this.#namespace}; create it`;
    throw new KplugError('StorageFailed', message);
  }

  async publish(bundle: () => Promise<string>): Promise<'published' | 'unchanged'> {
    const results = await Promise.all(
      this.#bundleNamespaces.map((namespace) => this.#publishIn(namespace, bundle).catch((error: Error) => error)),
    );
    const failed = results.find((result) => result instanceof Error);
    if (failed) throw failed;
    return results.includes('published') ? 'published' : 'unchanged';
  }

  async #publishIn(namespace: string, bundle: () => Promise<string>): Promise<'published' | 'unchanged'> {
    for (let attempt = 1; attempt <= maxConflictAttempts; attempt += 1) {
      const former = await this.#objects.read('ConfigMap', namespace, this.#bundleName);
      const text = await bundle();
      const data = isJsonObject(former?.data) ? former.data : {};
      if (data['ca.crt'] === text) return 'unchanged';
      const content = { data: { ...data, 'ca.crt': text } };
      const result = await this.#objects.write('ConfigMap', namespace, this.#bundleName, former, content);
      if (result === 'written') return 'published';
      // A namespace that doesn't exist has no plugins. It gets the bundle at a later check.
      if (result === 'noNamespace') return 'unchanged';
    }
    const message = `the ConfigMap ${namespace}/${this.#bundleName} can't be written: others change it all the time`;
    throw new KplugError('StorageFailed', message);
  }
}

/** Reads a Secret with a certificate that another program renews. */
export class SecretReader implements CertificateReader {
  readonly #objects: CoreObjects;
  readonly #namespace: string;
  readonly #name: string;

  constructor(transport: Transport, { namespace, name }: { namespace: string; name: string }) {
    this.#objects = new CoreObjects(transport);
    this.#namespace = namespace;
    this.#name = name;
  }

  get place(): string {
    return `the Secret ${this.#namespace}/${this.#name}`;
  }

  async read(): Promise<CertificateData | undefined> {
    const object = await this.#objects.read('Secret', this.#namespace, this.#name);
    return object && dataOf(object);
  }
}

/** Decodes the data of a Secret. */
function dataOf({ data }: JsonObject): CertificateData {
  const entries = Object.entries(isJsonObject(data) ? data : {});
  return Object.fromEntries(
    entries.map(([key, value]) => [key, Buffer.from(String(value), 'base64').toString('utf8')]),
  );
}

function versionOf({ metadata }: JsonObject): string {
  return isJsonObject(metadata) ? String(metadata.resourceVersion ?? '') : '';
}

function failure(
  error: unknown,
  verb: 'get' | 'create' | 'update',
  { kind, namespace, name }: { kind: Kind; namespace: string; name: string },
): unknown {
  if (!(error instanceof ApiError)) return error;
  // RBAC can't restrict `create` to a name.
  const right = { group: '', resource: resources[kind], verbs: [verb], namespace, ...(verb !== 'create' && { name }) };
  const reason = error.reason === 'Forbidden' ? missingRule(right) : messageOf(error);
  const done = { get: 'read', create: 'created', update: 'written' }[verb];
  const message = `The ${kind} ${namespace}/${name} can't be ${done}: ${reason}`;
  return new KplugError('StorageFailed', message, { cause: error });
}
