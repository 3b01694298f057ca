import { KplugError } from '../../errors.ts';
import { checkManifest } from '../../resources/check-manifest.ts';
import type { OwnedContent } from '../../resources/port.ts';
import {
  describeReference,
  formatKey,
  type JsonObject,
  type Resource,
  type ResourceKey,
} from '../../resources/resource.ts';
import type { DelegationSettings } from '../declaration.ts';

/** A resource that a plugin wants to be kept for a base. */
export interface WantedDependent {
  key: ResourceKey;
  content: OwnedContent;
}

/** How many dependents a base may have. */
const most = 100;

/**
 * Checks what a plugin wants to be kept. Throws `InvalidResponse` for anything that it may not ask for: then nothing of what it
 * answered is used.
 */
export function readWanted(
  items: readonly JsonObject[],
  base: Resource,
  { dependents }: Pick<DelegationSettings, 'dependents'>,
): WantedDependent[] {
  if (items.length > most)
    throw invalid(`it wants ${items.length} dependents; at most ${most} are kept for a resource`);
  const wanted = items.map((item, index) => readOne(item, `dependents[${index}]`, base, dependents.kinds));
  const keys = wanted.map(({ key }) => key);
  const twice = keys.find((key, index) => keys.indexOf(key) !== index);
  if (twice) throw invalid(`it wants the dependent ${twice} twice`);
  return wanted;
}

function readOne(
  item: JsonObject,
  where: string,
  { metadata: { namespace: home = '' } }: Resource,
  kinds: DelegationSettings['dependents']['kinds'],
): WantedDependent {
  const { manifest, fault } = checkManifest(item);
  if (fault) throw invalid(`${[where, ...fault.path].join('.')} ${fault.message}`);
  const { apiVersion, kind, metadata, status: _, ...fields } = manifest;
  const { name, labels, annotations } = metadata;
  const namespace = (item.metadata as { namespace?: string }).namespace ?? home;
  const subject = `${describeReference({ apiVersion, kind, namespace, name })} (${apiVersion})`;
  if (!kinds.some((allowed) => allowed.apiVersion === apiVersion && allowed.kind === kind)) {
    throw invalid(
      `it wants the dependent ${subject}, of a kind that the delegation doesn't allow; list it in dependents.kinds`,
    );
  }
  if (namespace !== home) {
    throw invalid(`it wants the dependent ${subject} in another namespace than the resource's own, ${home || 'none'}`);
  }
  const foreign = Object.keys(item.metadata as object).find((field) => !marks.has(field));
  if (foreign) throw invalid(`${where}.metadata.${foreign} is not the plugin's to say`);
  return {
    key: formatKey({ apiVersion, kind, namespace, name }),
    content: { ...(labels && { labels }), ...(annotations && { annotations }), fields: fields as JsonObject },
  };
}

const marks: ReadonlySet<string> = new Set(['name', 'namespace', 'labels', 'annotations']);

function invalid(message: string): KplugError {
  return new KplugError('InvalidResponse', message);
}
