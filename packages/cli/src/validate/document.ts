import type { JsonValue, ResourceKind } from '@kplug/controller';
import { type CheckedManifest, checkManifest, describeReference, isJsonObject } from '@kplug/controller/tools';

/** Document of a file, or item of a list in it. */
export interface InputDocument {
  file: string;
  /** Number of documents before it in the file. */
  index: number;
  line: number;
  column: number;
  /** Value as it is in the file. */
  value: unknown;
  /** Normalized manifest; missing when the value is no valid manifest. */
  manifest?: CheckedManifest;
  /** Description of the resource, such as `DatabaseTable shop/users`; missing when it has no kind or name. */
  resource?: string;
}

/** Document that is a valid manifest. */
export type ManifestDocument = InputDocument & { manifest: CheckedManifest };

/** Position of a document. */
type Place = Pick<InputDocument, 'file' | 'index' | 'line' | 'column'>;

/** Creates a document. @param namespace namespace of a manifest that states none. */
export function documentOf(value: unknown, place: Place, namespace: string): InputDocument {
  const resource = describe(value);
  const { manifest } = checkManifest(withNamespace(value, namespace));
  return { ...place, value, ...(resource !== undefined && { resource }), ...(manifest && { manifest }) };
}

export function isManifest(document: InputDocument): document is ManifestDocument {
  return document.manifest !== undefined;
}

/** Returns the API group of a kind, and its version. */
export function splitApiVersion({ apiVersion }: Pick<ResourceKind, 'apiVersion'>): { group: string; version: string } {
  const slash = apiVersion.indexOf('/');
  return { group: apiVersion.slice(0, Math.max(slash, 0)), version: apiVersion.slice(slash + 1) };
}

/** Adds a namespace to the metadata of a manifest that states none. */
function withNamespace(value: unknown, namespace: string): unknown {
  if (!isJsonObject(value) || !isJsonObject(value.metadata)) return value;
  const stated = value.metadata.namespace ?? null;
  return stated === null ? { ...value, metadata: { ...value.metadata, namespace } } : value;
}

function describe(value: unknown): string | undefined {
  const { apiVersion, kind, metadata } = isJsonObject(value) ? value : {};
  const { name, namespace } = isJsonObject(metadata) ? metadata : {};
  if (!isText(kind) || !isText(name)) return undefined;
  return describeReference({
    apiVersion: isText(apiVersion) ? apiVersion : '',
    kind,
    namespace: isText(namespace) ? namespace : '',
    name,
  });
}

function isText(value: JsonValue | undefined): value is string {
  return typeof value === 'string' && value !== '';
}
