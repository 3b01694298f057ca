import type { DelegationDeclaration, ResourceKind } from '@kplug/controller';
import { DelegationView, describeReference, findDelegationFaults, formatPath } from '@kplug/controller/tools';
import { type InputDocument, isManifest, type ManifestDocument, splitApiVersion } from './document.ts';
import type { DocumentFault, FieldPath } from './finding.ts';

const delegationGroup = 'delegations.kplug.dev';

/** Reports whether a manifest is a Delegation. */
export function isDelegation({ manifest: { apiVersion, kind } }: ManifestDocument): boolean {
  return kind === 'Delegation' && splitApiVersion({ apiVersion }).group === delegationGroup;
}

/** Delegation among the documents, or its faults. */
export type ReadDelegation = { view: DelegationView; faults?: never } | { faults: DocumentFault[]; view?: never };

/** Reads a Delegation, whose name is in its metadata and whose other fields are in its spec. */
export function readDelegation({ manifest }: ManifestDocument): ReadDelegation {
  const declaration = { ...manifest.spec, name: manifest.metadata.name };
  const faults = findDelegationFaults(declaration).map(({ path, message }): DocumentFault => {
    const own: FieldPath = path[0] === 'name' ? ['metadata', ...path] : ['spec', ...path];
    return { check: 'DelegationInvalid', severity: 'error', path: own, message: `${formatPath(own)}: ${message}` };
  });
  return faults.length > 0 ? { faults } : { view: new DelegationView(declaration as DelegationDeclaration) };
}

/** Finds a Delegation before another one that might reconcile the same resources, as an operator refuses the second one. */
export function findOverlap(view: DelegationView, earlier: readonly DelegationView[]): DocumentFault[] {
  const rival = earlier.find((other) => other.overlaps(view));
  if (!rival) return [];
  const { kind, apiVersion } = view.base;
  const message = `the delegation ${rival.name} already reconciles ${kind} (${apiVersion}); give them different namespaces or labels`;
  return [{ check: 'DelegationsOverlap', severity: 'error', path: ['spec', 'base'], message }];
}

/** Checks resources against delegations. */
export class DelegatedChecker {
  readonly #views: readonly DelegationView[];
  readonly #keys: ReadonlySet<string>;
  readonly #referenced = new Set<string>();

  constructor(views: readonly DelegationView[], documents: readonly InputDocument[]) {
    this.#views = views;
    const manifests = documents.filter(isManifest);
    this.#keys = new Set(manifests.map((document) => nameInAnyVersion(document.manifest, document.manifest.metadata)));
    for (const { manifest } of manifests) {
      for (const view of this.#viewsOf(manifest)) {
        for (const { reference } of view.readReferences(manifest)) this.#referenced.add(kindInAnyVersion(reference));
      }
    }
  }

  /** Returns the faults of a resource. */
  check({ manifest }: ManifestDocument): DocumentFault[] {
    const ofKind = this.#viewsOf(manifest);
    if (ofKind.length === 0) return this.#checkUndelegated(manifest);
    const delegating = ofKind.filter((view) => view.findExclusion(manifest) === undefined);
    if (delegating.length === 0) {
      const reasons = ofKind.map((view) => `${view.name}: ${view.findExclusion(manifest)}`).join('; ');
      return [warning('NotDelegated', ['metadata'], `no delegation includes the resource (${reasons})`)];
    }
    return delegating.flatMap((view) => [
      ...view.findFaults(manifest).map(({ reason, path, message }): DocumentFault => {
        return { check: reason, severity: 'error', path, message };
      }),
      ...this.#missingExtensions(view, manifest),
    ]);
  }

  #viewsOf(kind: ResourceKind): DelegationView[] {
    return this.#views.filter(({ base }) => base.kind === kind.kind && base.apiVersion === kind.apiVersion);
  }

  /** Extensions may exist in the cluster, so that a missing one is no error. */
  #missingExtensions(view: DelegationView, manifest: ManifestDocument['manifest']): DocumentFault[] {
    return view.readReferences(manifest).flatMap(({ path, reference }) => {
      if (this.#keys.has(nameInAnyVersion(reference, reference))) return [];
      const message = `the extension ${describeReference(reference)} (${reference.apiVersion}) is not among the files`;
      return [warning('ExtensionNotFound', path, message)];
    });
  }

  /** Warns of a resource in the group of a delegated kind that has no role in any delegation. */
  #checkUndelegated(kind: ResourceKind): DocumentFault[] {
    const { group } = splitApiVersion(kind);
    const ofGroup = this.#views.filter(({ base }) => splitApiVersion(base).group === group);
    const isKnown = this.#views.some(({ kinds }) =>
      kinds.some((one) => kindInAnyVersion(one) === kindInAnyVersion(kind)),
    );
    const otherVersions = ofGroup.filter(({ base }) => base.kind === kind.kind);
    if (otherVersions.length > 0) {
      const versions = otherVersions.map(({ name, base }) => `${name} delegates ${base.apiVersion}`).join(', ');
      return [
        warning('NotDelegated', ['apiVersion'], `no delegation has ${kind.kind} in ${kind.apiVersion}; ${versions}`),
      ];
    }
    if (group === '' || ofGroup.length === 0 || isKnown || this.#referenced.has(kindInAnyVersion(kind))) return [];
    const message = `no delegation has the kind ${kind.kind}, and no resource references it as an extension`;
    return [warning('NotDelegated', ['kind'], message)];
  }
}

function warning(check: string, path: FieldPath, message: string): DocumentFault {
  return { check, severity: 'warning', path, message };
}

function kindInAnyVersion(kind: ResourceKind): string {
  return `${splitApiVersion(kind).group}/${kind.kind}`;
}

function nameInAnyVersion(kind: ResourceKind, { namespace = '', name }: { namespace?: string; name: string }): string {
  return `${kindInAnyVersion(kind)}/${namespace}/${name}`;
}
