import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { formatJson, parseJson } from '@kplug/protocol';
import { z } from 'zod';
import { limits } from '../../limits/limits.ts';
import { formatPath, isJsonObject } from '../json.ts';
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
  formatVersion: z.literal(1),
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

/** Maximum length of a name that becomes a file name unchanged. Systems allow 255 bytes, suffixes included. */
const { maxNameLength } = limits.directory;

/** Folder of all state files, below `.kplug`. */
export const statesFolder = 'resources';

/** Returns the path of a resource's state file, below `.kplug`. */
export function statePathOf(key: ResourceKey): string {
  const { apiVersion, kind, namespace, name } = parseKey(key);
  const group = groupOf(apiVersion);
  // `_core` can't be the name of a group.
  const folders = group === '' ? ['_core', apiVersion] : [group, apiVersion.slice(group.length + 1)];
  return join(statesFolder, ...folders, kind, namespace, `${shorten(name)}.json`);
}

/** Formats the content of a state file. */
export function formatState({ source, resource, statuses }: ResourceState): string {
  const byManager = [...statuses].map(([fieldManager, status]) => ({ fieldManager, status }));
  return `${formatJson({ formatVersion: 1, source, resource, statuses: byManager }, 2)}\n`;
}

/** Parses the content of the state file at a path below `.kplug`. Throws when it is invalid. */
export function parseState(content: string, path: string): ResourceState {
  const { data, error } = stateSchema.safeParse(parseJson(content));
  if (!data) throw new Error(`${formatPath(error.issues[0]?.path.map(String) ?? [])}: ${error.issues[0]?.message}`);
  const { source, resource, statuses } = data;
  const state = {
    source,
    resource: resource satisfies Resource,
    statuses: new Map(statuses.map(({ fieldManager, status }) => [fieldManager, status])),
  };
  const expected = statePathOf(keyOf(resource));
  if (path !== expected) throw new Error(`its content belongs into ${expected}`);
  return state;
}

function shorten(name: string): string {
  if (name.length <= maxNameLength) return name;
  // `~` can't be in a name.
  return `${name.slice(0, 150)}~${createHash('sha256').update(name).digest('hex').slice(0, 32)}`;
}
