import type { Resource } from '@kplug/protocol';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { ExtensionShapes, Extensions, Received, ResourceShape } from './plugin.ts';

/** A resource that doesn't fit its schema. */
export interface Misfit {
  /** The key of the extension; empty for the base. */
  target: string;
  text: string;
}

type AnyResource = Received<ResourceShape>;
type Schema = StandardSchemaV1<unknown, ResourceShape>;

const decoder = new TextDecoder();

/** Reads a resource as the controller sends it. */
export function decodeResource(resource: Resource | undefined): AnyResource {
  return JSON.parse(decoder.decode(resource?.json)) as AnyResource;
}

/** What a schema makes of a resource; metadata is the controller's and not the schema's affair. */
export async function applySchema(
  resource: AnyResource,
  schema: Schema | undefined,
  target: string,
): Promise<{ resource: AnyResource } | { misfit: Misfit }> {
  if (!schema) return { resource };
  const result = await schema['~standard'].validate(resource);
  if (!result.issues) return { resource: { ...resource, ...result.value } };
  const text = result.issues.map(describeIssue).join('; ');
  return { misfit: { target, text: `${resource.kind} ${resource.metadata.name} is invalid: ${text}` } };
}

/** The extensions of one call, found by kind. */
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

  /** The key that an extension was sent under; `undefined` for one that wasn't. */
  keyOf(extension: AnyResource): string | undefined {
    return this.#keys.get(extension);
  }
}

function describeIssue({ path, message }: StandardSchemaV1.Issue): string {
  const where = (path ?? [])
    .map((step) => (typeof step === 'object' ? step.key : step))
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`))
    .join('');
  return where ? `${where}: ${message}` : message;
}
