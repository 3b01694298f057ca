import type { Resource } from '@kplug/protocol';
import { parseJson } from '@kplug/protocol';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { ExtensionShapes, Extensions, Received, ResourceShape } from './plugin.ts';

/** Violation of its schema by a resource. */
export interface SchemaViolation {
  /** Key of the extension; empty for the base. */
  target: string;
  text: string;
}

type AnyResource = Received<ResourceShape>;
type Schema = StandardSchemaV1<unknown, ResourceShape>;

const decoder = new TextDecoder();

/** Decodes a resource from a request. */
export function decodeResource(resource: Resource | undefined): AnyResource {
  return parseJson(decoder.decode(resource?.json)) as AnyResource;
}

/** Validates a resource. The result has the values that the schema returns, and every other field, such as the metadata, unchanged. */
export async function applySchema(
  resource: AnyResource,
  schema: Schema | undefined,
  target: string,
): Promise<{ resource: AnyResource } | { violation: SchemaViolation }> {
  if (!schema) return { resource };
  const result = await schema['~standard'].validate(resource);
  if (!result.issues) return { resource: { ...resource, ...result.value } };
  const text = result.issues.map((issue) => describeIssue(issue, resource)).join('; ');
  return { violation: { target, text: `${resource.kind} ${resource.metadata.name} is invalid: ${text}` } };
}

/** Extensions of one call, indexed by kind. */
export class ExtensionSet implements Extensions<ExtensionShapes> {
  readonly #keys = new Map<AnyResource, string>();
  readonly #byKind = new Map<string, AnyResource[]>();

  add(key: string, extension: AnyResource): void {
    this.#keys.set(extension, key);
    const ofKind = this.#byKind.get(extension.kind);
    if (ofKind) ofKind.push(extension);
    else this.#byKind.set(extension.kind, [extension]);
  }

  get(kind: string): AnyResource | undefined {
    return this.#byKind.get(kind)?.[0];
  }

  all(kind: string): AnyResource[] {
    return this.#byKind.get(kind) ?? [];
  }

  /** Returns the key of an extension in the request; `undefined` if the request has no such extension. */
  keyOf(extension: AnyResource): string | undefined {
    return this.#keys.get(extension);
  }
}

function describeIssue({ path, message }: StandardSchemaV1.Issue, resource: AnyResource): string {
  const keys = (path ?? []).map((step) => (typeof step === 'object' ? step.key : step));
  const where = keys.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('');
  const text = where ? `${where}: ${message}` : message;
  const value = valueAt(resource, keys);
  if (typeof value !== 'bigint') return text;
  return `${text} (${value} does not fit in a number of JavaScript and is passed as a bigint, which the schema of the plugin must allow)`;
}

function valueAt(resource: AnyResource, keys: readonly PropertyKey[]): unknown {
  return keys.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>)[key] : undefined,
    resource,
  );
}
