import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { formatJson, parseJson } from '@kplug/protocol';
import { z } from 'zod';
import { limits } from '../../limits/limits.ts';
import { formatPath, isJsonObject } from '../json.ts';
import { mergeStatuses } from '../memory/merge-statuses.ts';
import type { StoredResource } from '../memory/persistence.ts';
import { groupOf, type JsonObject, keyOf, parseKey, type Resource, type ResourceKey } from '../resource.ts';

/** Stored state of a resource, with the file that defines the resource. */
export interface ResourceState extends StoredResource {
  /** Path of the file, relative to the directory, with `/`. */
  source: string;
}

const object = z.custom<JsonObject>(isJsonObject, 'must be an object');
const strings = z.record(z.string(), z.string());

const ownerReference = z.object({
  apiVersion: z.string(),
  kind: z.string(),
  name: z.string(),
  uid: z.string(),
  controller: z.boolean().exactOptional(),
});

const stateSchema = z.object({
  source: z.string(),
  resource: z.looseObject({
    apiVersion: z.string(),
    kind: z.string(),
    metadata: z.object({
      name: z.string(),
      namespace: z.string().exactOptional(),
      uid: z.string(),
      generation: z.int(),
      resourceVersion: z.string(),
      creationTimestamp: z.string(),
      deletionTimestamp: z.string().exactOptional(),
      finalizers: z.array(z.string()).exactOptional(),
      labels: strings.exactOptional(),
      annotations: strings.exactOptional(),
      ownerReferences: z.array(ownerReference).exactOptional(),
    }),
    spec: object.exactOptional(),
    status: object.exactOptional(),
  }),
  statuses: z.array(z.object({ fieldManager: z.string(), status: object })),
});

/** State file of a resource, as earlier versions of Kplug wrote one for each. */
const fileSchema = stateSchema.extend({ formatVersion: z.literal(1) });

/** Maximum length of a name that became a file name unchanged. Systems allow 255 bytes, suffixes included. */
const { maxNameLength } = limits.directory;

/** Folder of the state files of earlier versions, below `.kplug`. */
export const statesFolder = 'resources';

/** Returns the path of a resource's state file of an earlier version, below `.kplug`. */
export function statePathOf(key: ResourceKey): string {
  const { apiVersion, kind, namespace, name } = parseKey(key);
  const group = groupOf(apiVersion);
  // `_core` can't be the name of a group.
  const folders = group === '' ? ['_core', apiVersion] : [group, apiVersion.slice(group.length + 1)];
  return join(statesFolder, ...folders, kind, namespace, `${shorten(name)}.json`);
}

/** Record of the state of a resource, unchecked but for its key. */
export interface StateRecord {
  key: ResourceKey;
  /** True if the resource is gone. */
  removed: boolean;
  fields: JsonObject;
}

/** Formats the state of a resource as the JSON of a record. The merged status is left out, as the statuses have it. */
export function formatStateRecord(key: ResourceKey, state: ResourceState | undefined): string {
  if (!state) return formatJson({ key, removed: true });
  const { status: _, ...resource } = state.resource;
  const statuses = [...state.statuses].map(([fieldManager, status]) => ({ fieldManager, status }));
  return formatJson({ key, source: state.source, resource, statuses });
}

/** Parses the JSON of a record. Returns `undefined` when it is none. */
export function parseRecord(json: string): StateRecord | undefined {
  const fields: unknown = parseJson(json);
  if (!isJsonObject(fields) || typeof fields.key !== 'string') return undefined;
  return { key: fields.key, removed: fields.removed === true, fields };
}

/** Reads the state of a resource from its record. Throws when it is invalid. */
export function readStateRecord({ key, fields }: StateRecord): ResourceState {
  const state = readState(stateSchema, fields);
  const expected = keyOf(state.resource);
  if (key !== expected) throw new Error(`it has the key ${key} and the state of ${expected}`);
  return state;
}

/** Parses the content of the state file at a path below `.kplug`. Throws when it is invalid. */
export function parseState(content: string, path: string): ResourceState {
  const state = readState(fileSchema, parseJson(content));
  const expected = statePathOf(keyOf(state.resource));
  if (path !== expected) throw new Error(`its content belongs into ${expected}`);
  return state;
}

function readState(schema: typeof stateSchema, content: unknown): ResourceState {
  const { data, error } = schema.safeParse(content);
  if (!data) throw new Error(`${formatPath(error.issues[0]?.path.map(String) ?? [])}: ${error.issues[0]?.message}`);
  const { source, resource, statuses } = data;
  const { status: _, ...rest } = resource satisfies Resource;
  const status = mergeStatuses(statuses.map(({ status }) => status));
  return {
    source,
    resource: status ? { ...rest, status } : rest,
    statuses: new Map(statuses.map(({ fieldManager, status }) => [fieldManager, status])),
  };
}

function shorten(name: string): string {
  if (name.length <= maxNameLength) return name;
  // `~` can't be in a name.
  return `${name.slice(0, 150)}~${createHash('sha256').update(name).digest('hex').slice(0, 32)}`;
}
