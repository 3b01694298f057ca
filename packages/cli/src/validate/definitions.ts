import type { JsonObject, ResourceKind } from '@kplug/controller';
import { isJsonObject } from '@kplug/controller/tools';
import { objectOf, objectsIn, textsIn } from '../doctor/read-json.ts';
import { similarTo } from '../doctor/similar.ts';
import { type InputDocument, type ManifestDocument, splitApiVersion } from './document.ts';
import type { DocumentFault, FieldPath } from './finding.ts';
import { compilePattern } from './go-pattern.ts';
import { SchemaValidator } from './schema-validator.ts';

const definitionKind = 'CustomResourceDefinition';
const definitionGroup = 'apiextensions.k8s.io';

/** Version of a kind. */
export interface DefinedVersion {
  isServed: boolean;
  validator: SchemaValidator | undefined;
}

/** Kind of a CustomResourceDefinition. */
export interface DefinedKind {
  group: string;
  kind: string;
  isNamespaced: boolean;
  versions: ReadonlyMap<string, DefinedVersion>;
  /** Document with the CustomResourceDefinition. */
  document: ManifestDocument;
}

/** Reports whether a document is a CustomResourceDefinition. */
export function isDefinition({ value }: Pick<InputDocument, 'value'>): boolean {
  const { apiVersion, kind } = objectOf(isJsonObject(value) ? value : {});
  return (
    kind === definitionKind &&
    typeof apiVersion === 'string' &&
    splitApiVersion({ apiVersion }).group === definitionGroup
  );
}

/** Kinds of CustomResourceDefinitions. The first definition of a kind counts. */
export class Definitions {
  readonly #kinds = new Map<string, DefinedKind>();

  get size(): number {
    return this.#kinds.size;
  }

  /** Adds a definition. Returns its faults. */
  add(document: ManifestDocument): DocumentFault[] {
    const definition = objectOf(isJsonObject(document.value) ? document.value : {});
    const { spec, metadata } = definition;
    const { group = '', scope } = textsIn(spec);
    const { kind = '', plural = '' } = textsIn(objectOf(spec).names);
    const faults = faultsOf(definition);
    if (faults.some(({ severity }) => severity === 'error')) return faults;
    const name = `${plural}.${group}`;
    if (objectOf(metadata).name !== name) {
      faults.push(fault(['metadata', 'name'], `metadata.name must be ${name}, from spec.names.plural and spec.group`));
    }
    const key = `${group}/${kind}`;
    if (!this.#kinds.has(key)) {
      const versions = new Map(
        objectsIn(objectOf(spec).versions).map((version) => [String(version.name), readVersion(version)]),
      );
      this.#kinds.set(key, { group, kind, isNamespaced: scope !== 'Cluster', versions, document });
    }
    return faults;
  }

  /** Returns the definition of a kind in any version. */
  find({ apiVersion, kind }: ResourceKind): DefinedKind | undefined {
    return this.#kinds.get(`${splitApiVersion({ apiVersion }).group}/${kind}`);
  }

  /** Returns the kinds of a group whose names are similar to one. */
  similarTo({ apiVersion, kind }: ResourceKind): string[] {
    const { group } = splitApiVersion({ apiVersion });
    const ofGroup = [...this.#kinds.values()].filter((one) => one.group === group);
    return similarTo(
      kind,
      ofGroup.map((one) => one.kind),
    );
  }
}

function readVersion({ schema, served, subresources }: JsonObject): DefinedVersion {
  const { openAPIV3Schema } = objectOf(schema);
  const hasStatus = isJsonObject(objectOf(subresources).status);
  return {
    isServed: served === true,
    validator: isJsonObject(openAPIV3Schema) ? new SchemaValidator(openAPIV3Schema, hasStatus) : undefined,
  };
}

function fault(path: FieldPath, message: string): DocumentFault {
  return { check: 'DefinitionInvalid', severity: 'error', path, message };
}

function faultsOf({ apiVersion, spec }: JsonObject): DocumentFault[] {
  if (apiVersion !== `${definitionGroup}/v1`) {
    return [
      fault(['apiVersion'], `apiVersion must be ${definitionGroup}/v1; Kubernetes has no other version since 1.22`),
    ];
  }
  const { group, scope, names, versions } = objectOf(spec);
  const { kind, plural } = objectOf(names);
  const texts = { 'spec.group': group, 'spec.names.kind': kind, 'spec.names.plural': plural };
  const missing = Object.entries(texts)
    .filter(([, text]) => typeof text !== 'string' || text === '')
    .map(([field]) => fault(field.split('.'), `${field} is missing`));
  const scopes =
    scope === 'Namespaced' || scope === 'Cluster'
      ? []
      : [fault(['spec', 'scope'], 'spec.scope must be Namespaced or Cluster')];
  const listed = objectsIn(versions);
  if (listed.length === 0)
    return [...missing, ...scopes, fault(['spec', 'versions'], 'spec.versions must be a list of versions')];
  return [...missing, ...scopes, ...storageFaults(listed), ...listed.flatMap(versionFaults)];
}

function storageFaults(versions: readonly JsonObject[]): DocumentFault[] {
  const stored = versions.filter(({ storage }) => storage === true).length;
  if (stored === 1) return [];
  return [
    fault(['spec', 'versions'], `spec.versions must have exactly one version with storage: true, but has ${stored}`),
  ];
}

function versionFaults({ name, schema }: JsonObject, index: number): DocumentFault[] {
  const path: FieldPath = ['spec', 'versions', index];
  const field = `spec.versions[${index}]`;
  if (typeof name !== 'string' || name === '') return [fault([...path, 'name'], `${field}.name is missing`)];
  const { openAPIV3Schema } = objectOf(schema);
  if (!isJsonObject(openAPIV3Schema)) return [fault([...path, 'schema'], `${field}.schema.openAPIV3Schema is missing`)];
  if (openAPIV3Schema.type !== 'object' && openAPIV3Schema['x-kubernetes-preserve-unknown-fields'] !== true) {
    const message = `${field}.schema.openAPIV3Schema.type must be object`;
    return [fault([...path, 'schema', 'openAPIV3Schema'], message)];
  }
  return patternFaults(openAPIV3Schema, [...path, 'schema', 'openAPIV3Schema']);
}

/** Warns of patterns that can't be checked here. */
function patternFaults(schema: JsonObject, path: FieldPath): DocumentFault[] {
  const { pattern, items, properties, additionalProperties } = schema;
  const own: DocumentFault[] =
    typeof pattern === 'string' && !compilePattern(pattern)
      ? [
          {
            check: 'PatternNotChecked',
            severity: 'warning',
            path: [...path, 'pattern'],
            message: `the pattern ${pattern} can't be checked here`,
          },
        ]
      : [];
  const fields = Object.entries(objectOf(properties)).flatMap(([name, field]) => {
    return patternFaults(objectOf(field), [...path, 'properties', name]);
  });
  const inner = Object.entries({ items, additionalProperties }).flatMap(([name, field]) => {
    return isJsonObject(field) ? patternFaults(field, [...path, name]) : [];
  });
  return [...own, ...fields, ...inner];
}
