import type { RequestedDependents } from '../../clients/plugin-call.ts';
import { KplugError } from '../../errors.ts';
import { limits } from '../../limits/limits.ts';
import { type CheckedManifest, checkManifest } from '../../resources/check-manifest.ts';
import { cutText } from '../../resources/cut-text.ts';
import { findAnnotationFault, findLabelFault } from '../../resources/labels.ts';
import type { OwnedContent, Resources } from '../../resources/port.ts';
import {
  describeReference,
  formatKey,
  isSameKind,
  type JsonObject,
  keyOf,
  parseKey,
  type Resource,
  type ResourceKey,
  type ResourceKind,
} from '../../resources/resource.ts';
import type { DelegationSettings } from '../delegation-settings.ts';
import { nameInAnyVersion, readReferences } from '../extensions/gather.ts';
import { findRefusedRight, withoutDefaultToken } from './check-rights.ts';
import { isObserved } from './observed.ts';
import { type ReadRules, readRules } from './read-rules.ts';

/** A dependent that a plugin requests for a base. */
export interface DesiredDependent {
  key: ResourceKey;
  content: OwnedContent;
  rules: ReadRules;
}

const { maxDependents } = limits.delegation;
const { maxQuotedLength } = limits.calls;

/**
 * Checks the dependents that a plugin requests, and orders them: each comes after those that it requires. Throws `InvalidResponse` if any
 * of them violates the protocol, and `DependentForbidden` if it would grant rights although the delegation doesn't say so.
 */
export function readDesired(
  requested: RequestedDependents,
  base: Resource,
  settings: Pick<DelegationSettings, 'dependents' | 'extensions'>,
  resources: Pick<Resources, 'isNamespaced'>,
): DesiredDependent[] {
  const { items, rules } = requested;
  if (items.length > maxDependents) {
    throw invalid(`the plugin requests ${items.length} dependents; a resource may have at most ${maxDependents}`);
  }
  const { references } = readReferences(base, settings);
  const context: ReadContext = {
    home: base.metadata.namespace ?? '',
    allowed: settings.dependents,
    isNamespaced: (kind) => resources.isNamespaced?.(kind),
    base: nameInAnyVersion(parseKey(keyOf(base))),
    extensions: new Set([...references.values()].map(nameInAnyVersion)),
    own: new Set(),
  };
  const manifests = items.map((item, index) => {
    const path = `dependents[${index}]`;
    return isObserved(item, requested) ? readObserved(item, path, context) : readOne(item, path, context);
  });
  const keys = manifests.map(({ key }) => nameInAnyVersion(parseKey(key)));
  const duplicate = keys.findIndex((key, index) => keys.indexOf(key) !== index);
  if (duplicate >= 0) throw invalid(`the plugin requests the dependent ${manifests[duplicate]?.key} twice`);
  const ordered = readRules(
    manifests.map(({ key }) => key),
    rules,
  );
  const contents = new Map(manifests.map(({ key, content }) => [key, content]));
  return [...ordered].map(([key, read]) => ({ key, content: contents.get(key) as OwnedContent, rules: read }));
}

/** What the dependents of one answer are checked against. */
interface ReadContext {
  /** Namespace of the base; empty if it is cluster-scoped. */
  home: string;
  allowed: DelegationSettings['dependents'];
  isNamespaced: (kind: ResourceKind) => boolean | undefined;
  /** The base and its extensions, as `nameInAnyVersion`. */
  base: string;
  extensions: ReadonlySet<string>;
  /** Dependents that were read, as `Kind/name`. */
  own: Set<string>;
}

function readOne(item: JsonObject, path: string, context: ReadContext): Omit<DesiredDependent, 'rules'> {
  const { home, allowed, isNamespaced, own } = context;
  const { manifest, fault } = checkManifest(item);
  if (fault) throw invalid(`${[path, ...fault.path].join('.')} ${fault.message}`);
  const { apiVersion, kind, metadata, status: _, ...fields } = manifest;
  const { name } = metadata;
  const namespace = (item.metadata as { namespace?: string | null }).namespace ?? home;
  const reference = { apiVersion, kind, namespace, name };
  const subject = `the dependent ${describeReference(reference)} (${apiVersion})`;
  const entry = allowed.kinds.find((one) => isSameKind(one, manifest));
  if (!entry) {
    throw invalid(
      `the plugin requests ${subject}, of a kind that the delegation doesn't allow; list it in dependents.kinds`,
    );
  }
  if (namespace !== home) {
    throw invalid(`the plugin requests ${subject} outside of the resource's namespace, ${home || 'none'}`);
  }
  if (home && isNamespaced(entry) === false) {
    throw invalid(`the plugin requests ${subject}, which is cluster-scoped; it must be in the namespace ${home}`);
  }
  const identity = nameInAnyVersion(reference);
  if (identity === context.base) throw invalid(`the plugin requests ${subject}, which is the resource itself`);
  if (context.extensions.has(identity)) {
    throw invalid(`the plugin requests ${subject}, which is an extension of the resource`);
  }
  checkMetadata(item, manifest, path);
  const rights = { dependents: allowed, allowPrivileged: entry.allowPrivileged, own };
  const refused = findRefusedRight(manifest, home, rights);
  if (refused) {
    const message = `the plugin requests ${subject} ${refused.cause}; ${refused.remedy}`;
    throw new KplugError('DependentForbidden', message);
  }
  if (!apiVersion.includes('/')) own.add(`${kind}/${name}`);
  const { labels, annotations } = metadata;
  const content = withoutDefaultToken(manifest, fields as JsonObject, rights);
  return {
    key: formatKey(reference),
    content: { ...(labels && { labels }), ...(annotations && { annotations }), fields: content },
  };
}

/** Reads a dependent of another client. That the delegation permits its kind is checked with the requirements. */
function readObserved(
  item: JsonObject,
  path: string,
  { home, base, isNamespaced }: ReadContext,
): Omit<DesiredDependent, 'rules'> {
  const { manifest, fault } = checkManifest(item);
  if (fault) throw invalid(`${[path, ...fault.path].join('.')} ${fault.message}`);
  const { apiVersion, kind, metadata, ...fields } = manifest;
  const { name } = metadata;
  const reference = { apiVersion, kind, namespace: home, name };
  const subject = `the dependent ${describeReference(reference)} (${apiVersion})`;
  const [field] = [
    ...Object.keys(fields),
    ...Object.keys(item.metadata as object).filter((one) => !identifying.has(one)),
  ];
  if (field)
    throw invalid(
      `the plugin observes ${subject} and gives its ${field}; only apiVersion, kind and metadata.name count`,
    );
  const { namespace } = item.metadata as { namespace?: string | null };
  if (namespace && namespace !== home) {
    throw invalid(
      `the plugin observes ${subject} in the namespace ${namespace}; it can require resources of other namespaces`,
    );
  }
  if (home && isNamespaced(reference) === false) {
    throw invalid(`the plugin observes ${subject}, which is cluster-scoped; it can require such resources`);
  }
  if (nameInAnyVersion(reference) === base)
    throw invalid(`the plugin observes ${subject}, which is the resource itself`);
  return { key: formatKey(reference), content: { fields: {} } };
}

const identifying: ReadonlySet<string> = new Set(['name', 'namespace']);

function checkMetadata(item: JsonObject, { metadata: { labels, annotations } }: CheckedManifest, path: string): void {
  const forbidden = Object.keys(item.metadata as object).find((field) => !allowedMetadata.has(field));
  if (forbidden) throw invalid(`${path}.metadata.${forbidden} must not be set by a plugin`);
  const badLabel = findLabelFault(labels ?? {});
  if (badLabel) throw invalid(`${path}.metadata.labels.${cutText(badLabel.key, maxQuotedLength)} ${badLabel.message}`);
  const badAnnotation = findAnnotationFault(annotations ?? {});
  if (badAnnotation)
    throw invalid(
      `${path}.metadata.annotations.${cutText(badAnnotation.key, maxQuotedLength)} ${badAnnotation.message}`,
    );
}

const allowedMetadata: ReadonlySet<string> = new Set(['name', 'namespace', 'labels', 'annotations']);

function invalid(message: string): KplugError {
  return new KplugError('InvalidResponse', message);
}
