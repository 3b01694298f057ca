import { KplugError } from '../../errors.ts';
import { limits } from '../../limits/limits.ts';
import { checkManifest } from '../../resources/check-manifest.ts';
import { cutText } from '../../resources/cut-text.ts';
import { findAnnotationFault, findLabelFault } from '../../resources/labels.ts';
import type { OwnedContent } from '../../resources/port.ts';
import {
  describeReference,
  formatKey,
  isSameKind,
  type JsonObject,
  type Resource,
  type ResourceKey,
} from '../../resources/resource.ts';
import type { DelegationSettings } from '../delegation-settings.ts';

/** A dependent that a plugin requests for a base. */
export interface DesiredDependent {
  key: ResourceKey;
  content: OwnedContent;
}

const { maxDependents } = limits.delegation;
const { maxQuotedLength } = limits.calls;

/** Checks the dependents that a plugin requests. Throws `InvalidResponse` if any of them isn't allowed. */
export function readDesired(
  items: readonly JsonObject[],
  base: Resource,
  { dependents }: Pick<DelegationSettings, 'dependents'>,
): DesiredDependent[] {
  if (items.length > maxDependents) {
    throw invalid(`the plugin requests ${items.length} dependents; a resource may have at most ${maxDependents}`);
  }
  const desired = items.map((item, index) => readOne(item, `dependents[${index}]`, base, dependents.kinds));
  const keys = desired.map(({ key }) => key);
  const duplicate = keys.find((key, index) => keys.indexOf(key) !== index);
  if (duplicate) throw invalid(`the plugin requests the dependent ${duplicate} twice`);
  return desired;
}

function readOne(
  item: JsonObject,
  path: string,
  { metadata: { namespace: home = '' } }: Resource,
  kinds: DelegationSettings['dependents']['kinds'],
): DesiredDependent {
  const { manifest, fault } = checkManifest(item);
  if (fault) throw invalid(`${[path, ...fault.path].join('.')} ${fault.message}`);
  const { apiVersion, kind, metadata, status: _, ...fields } = manifest;
  const { name, labels, annotations } = metadata;
  const namespace = (item.metadata as { namespace?: string }).namespace ?? home;
  const subject = `${describeReference({ apiVersion, kind, namespace, name })} (${apiVersion})`;
  if (!kinds.some((allowed) => isSameKind(allowed, manifest))) {
    throw invalid(
      `the plugin requests the dependent ${subject}, of a kind that the delegation doesn't allow; list it in dependents.kinds`,
    );
  }
  if (namespace !== home) {
    throw invalid(
      `the plugin requests the dependent ${subject} outside of the resource's namespace, ${home || 'none'}`,
    );
  }
  const forbidden = Object.keys(item.metadata as object).find((field) => !allowedMetadata.has(field));
  if (forbidden) throw invalid(`${path}.metadata.${forbidden} must not be set by a plugin`);
  const badLabel = findLabelFault(labels ?? {});
  if (badLabel) throw invalid(`${path}.metadata.labels.${cutText(badLabel.key, maxQuotedLength)} ${badLabel.message}`);
  const badAnnotation = findAnnotationFault(annotations ?? {});
  if (badAnnotation)
    throw invalid(
      `${path}.metadata.annotations.${cutText(badAnnotation.key, maxQuotedLength)} ${badAnnotation.message}`,
    );
  return {
    key: formatKey({ apiVersion, kind, namespace, name }),
    content: { ...(labels && { labels }), ...(annotations && { annotations }), fields: fields as JsonObject },
  };
}

const allowedMetadata: ReadonlySet<string> = new Set(['name', 'namespace', 'labels', 'annotations']);

function invalid(message: string): KplugError {
  return new KplugError('InvalidResponse', message);
}
