import type { JsonObject } from '@kplug/controller';
import { findManifestFaults, formatPath, isJsonObject } from '@kplug/controller/tools';
import { objectOf, textsIn } from '../doctor/read-json.ts';
import type { DefinedKind, Definitions } from './definitions.ts';
import { type InputDocument, splitApiVersion } from './document.ts';
import type { DocumentFault } from './finding.ts';
import { findMetadataFaults } from './metadata-faults.ts';

/** Finds the faults that a document has by itself: as a manifest, in its metadata, and by the schema of its kind. */
export function findResourceFaults({ value }: InputDocument, definitions: Definitions): DocumentFault[] {
  const invalid = findManifestFaults(value).map(({ path, message }): DocumentFault => {
    const subject = formatPath(path) || 'the document';
    return { check: 'ManifestInvalid', severity: 'error', path, message: `${subject} ${message}` };
  });
  // Without a valid kind there is no schema, and a value that is no JSON can't be walked.
  if (!isJsonObject(value) || invalid.some(({ path }) => path[0] !== 'metadata')) return invalid;
  const { apiVersion = '', kind = '' } = textsIn(value);
  const definition = definitions.find({ apiVersion, kind });
  const metadata = invalid.length === 0 ? findMetadataFaults(value) : [];
  const stated: JsonObject = invalid.length === 0 ? value : { ...value, metadata: {} };
  return [...invalid, ...metadata, ...(definition ? findSchemaFaults(stated, apiVersion, definition) : [])];
}

function findSchemaFaults(
  resource: JsonObject,
  apiVersion: string,
  { kind, isNamespaced, versions }: DefinedKind,
): DocumentFault[] {
  const version = versions.get(splitApiVersion({ apiVersion }).version);
  if (!version?.isServed) {
    const served = [...versions].filter(([, { isServed }]) => isServed).map(([name]) => name);
    const message = `${kind} is not served in ${apiVersion}, but in ${served.join(', ') || 'no version'}`;
    return [{ check: 'VersionNotServed', severity: 'error', path: ['apiVersion'], message }];
  }
  const { namespace } = objectOf(resource.metadata);
  const scope: DocumentFault[] =
    isNamespaced || (namespace ?? null) === null
      ? []
      : [
          {
            check: 'NamespaceIgnored',
            severity: 'warning',
            path: ['metadata', 'namespace'],
            message: `${kind} is cluster-scoped; remove metadata.namespace`,
          },
        ];
  return [...scope, ...(version.validator?.validate(resource) ?? [])];
}
