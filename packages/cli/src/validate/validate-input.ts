import { setImmediate as letOthersRun } from 'node:timers/promises';
import type { ResourceKind } from '@kplug/controller';
import type { DelegationView } from '@kplug/controller/tools';
import { Definitions, isDefinition } from './definitions.ts';
import { DelegatedChecker, findOverlap, isDelegation, readDelegation } from './delegation-faults.ts';
import { type InputDocument, isManifest, type ManifestDocument, splitApiVersion } from './document.ts';
import { type DocumentFault, maxFaults } from './finding.ts';
import { findResourceFaults } from './resource-faults.ts';
import { findStatusFaults } from './status-faults.ts';

/** Faults of documents, and what could not be checked. */
export interface ValidatedInput {
  faults: Map<InputDocument, DocumentFault[]>;
  /** Number of resources whose kind has no schema here. */
  withoutSchema: number;
}

/** Number of documents between two steps. */
const stepDocuments = 25;

/**
 * Validates documents.
 *
 * @param sources further documents with CustomResourceDefinitions; others among them are ignored.
 * @param declared delegations of a configuration file.
 */
export async function validateInput(
  documents: readonly InputDocument[],
  sources: readonly InputDocument[],
  declared: readonly DelegationView[],
): Promise<ValidatedInput> {
  const faults = new FaultMap();
  const definitions = new Definitions();
  const given = sources.filter(isDefinition);
  for (const document of given) faults.add(document, findResourceFaults(document, definitions));
  for (const document of [...documents.filter(isDefinition), ...given].filter(isManifest)) {
    faults.add(document, definitions.add(document));
  }
  const views = readDelegations(documents, faults);
  for (const view of [...declared, ...views]) {
    const definition = definitions.find(view.base);
    if (definition) faults.add(definition.document, findStatusFaults(view, definition));
  }
  const delegated = new DelegatedChecker([...declared, ...views], documents);
  const duplicates = new DuplicateFinder(definitions);
  const missing = new MissingSchemas(definitions);
  for (const [index, document] of documents.entries()) {
    faults.add(document, findResourceFaults(document, definitions));
    if (isManifest(document)) {
      faults.add(document, duplicates.check(document));
      faults.add(document, delegated.check(document));
      missing.add(document);
    }
    if (index % stepDocuments === 0) await letOthersRun();
  }
  for (const [document, found] of missing.faults()) faults.add(document, [found]);
  return { faults: faults.byDocument, withoutSchema: missing.count };
}

function readDelegations(documents: readonly InputDocument[], faults: FaultMap): DelegationView[] {
  const views: DelegationView[] = [];
  for (const document of documents.filter(isManifest).filter(isDelegation)) {
    const read = readDelegation(document);
    faults.add(document, read.faults ?? findOverlap(read.view, views));
    if (read.view) views.push(read.view);
  }
  return views;
}

/** Faults by document, of which a part of very many is left out. */
class FaultMap {
  readonly byDocument = new Map<InputDocument, DocumentFault[]>();

  add(document: InputDocument, found: readonly DocumentFault[]): void {
    if (found.length === 0) return;
    const all = [...(this.byDocument.get(document) ?? []), ...found];
    const more = all.length - maxFaults;
    if (more <= 0) {
      this.byDocument.set(document, all);
      return;
    }
    const message = `the resource has more than ${maxFaults} faults; the others are left out`;
    const last: DocumentFault = { check: 'TooManyFaults', severity: 'error', path: [], message };
    this.byDocument.set(document, [...all.filter(({ check }) => check !== last.check).slice(0, maxFaults), last]);
  }
}

/** Finds resources that are defined more than once, in any version of their kind. */
class DuplicateFinder {
  readonly #definitions: Definitions;
  readonly #places = new Map<string, string>();

  constructor(definitions: Definitions) {
    this.#definitions = definitions;
  }

  check({ manifest, file, line, resource }: ManifestDocument): DocumentFault[] {
    const { apiVersion, kind, metadata } = manifest;
    const isNamespaced = this.#definitions.find(manifest)?.isNamespaced ?? true;
    const { group } = splitApiVersion({ apiVersion });
    const key = [group, kind, isNamespaced ? metadata.namespace : '', metadata.name].join('/');
    const earlier = this.#places.get(key);
    if (earlier === undefined) {
      this.#places.set(key, `${file}:${line}`);
      return [];
    }
    const message = `${resource ?? kind} is already in ${earlier}; remove one`;
    return [{ check: 'ResourceDuplicated', severity: 'error', path: ['metadata', 'name'], message }];
  }
}

/** Counts resources whose kind has no definition. */
class MissingSchemas {
  readonly #definitions: Definitions;
  readonly #first = new Map<string, { document: ManifestDocument; count: number }>();
  count = 0;

  constructor(definitions: Definitions) {
    this.#definitions = definitions;
  }

  add(document: ManifestDocument): void {
    const { manifest } = document;
    if (this.#definitions.find(manifest) || isDefinition(document) || isDelegation(document)) return;
    this.count += 1;
    if (isBuiltIn(manifest)) return;
    const key = `${splitApiVersion(manifest).group}/${manifest.kind}`;
    const { count = 0, document: first = document } = this.#first.get(key) ?? {};
    this.#first.set(key, { document: first, count: count + 1 });
  }

  /** Returns a warning for each custom kind, at its first resource. */
  faults(): [InputDocument, DocumentFault][] {
    return [...this.#first.values()].map(({ document, count }) => {
      const { kind, apiVersion } = document.manifest;
      const [similar] = this.#definitions.similarTo(document.manifest);
      const advice =
        similar === undefined ? 'give its CustomResourceDefinition with --crd' : `did you mean ${similar}?`;
      const others = count > 1 ? ` (${count} resources)` : '';
      const message = `the fields of ${kind} (${apiVersion}) are not checked, as there is no schema${others}; ${advice}`;
      return [document, { check: 'SchemaMissing', severity: 'warning', path: ['kind'], message }];
    });
  }
}

/** Reports whether a kind is one of Kubernetes itself, which has no CustomResourceDefinition. */
function isBuiltIn({ apiVersion }: ResourceKind): boolean {
  const { group } = splitApiVersion({ apiVersion });
  return !group.includes('.') || group.endsWith('.k8s.io');
}
