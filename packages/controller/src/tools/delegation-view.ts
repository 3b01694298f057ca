import { isIncluded } from '../delegation/bases/bases.ts';
import { readPreference } from '../delegation/choices/choose.ts';
import { readWantedCapability } from '../delegation/choices/read-capability.ts';
import { findPausedFault, pausedAnnotation } from '../delegation/control-annotations.ts';
import type { DelegationDeclaration } from '../delegation/declaration.ts';
import { type DelegationSettings, overlap, readDeclaration } from '../delegation/delegation-settings.ts';
import { readReferences } from '../delegation/extensions/gather.ts';
import { readField } from '../delegation/field-path.ts';
import type { CheckedManifest } from '../resources/check-manifest.ts';
import { isJsonObject } from '../resources/json.ts';
import {
  isSameKind,
  type Resource,
  type ResourceKey,
  type ResourceKind,
  type ResourceReference,
} from '../resources/resource.ts';

/** Paths of the fields of a base that the operator reads, such as `spec`, `preferredImplementation`. */
export interface FieldPaths {
  preference: readonly string[];
  extensions: readonly string[];
  /** `undefined` if resources ask for no capability. */
  capability: Readonly<Record<'category' | 'type' | 'version', readonly string[]>> | undefined;
}

/** Fault of a base, for which an operator doesn't reconcile it as intended. */
export interface BaseFault {
  /** Path of the field in the base. */
  path: readonly (string | number)[];
  /** Reason in one PascalCase word. */
  reason: string;
  message: string;
}

/** Reference of a base to an extension. */
export interface PlacedReference {
  /** Path of the field in the base. */
  path: readonly (string | number)[];
  key: ResourceKey;
  reference: ResourceReference;
}

/** Delegation as tools see it that judge manifests without an operator. */
export class DelegationView {
  readonly #settings: DelegationSettings;

  /** Throws `InvalidConfiguration` for an invalid declaration. */
  constructor(declaration: DelegationDeclaration) {
    this.#settings = readDeclaration(declaration);
  }

  get name(): string {
    return this.#settings.name;
  }

  /** Name of the plugin API. */
  get api(): string {
    return this.#settings.api;
  }

  get base(): ResourceKind {
    return this.#settings.base;
  }

  /** Kinds of extensions; empty if plugins may understand any. */
  get extensionKinds(): readonly ResourceKind[] {
    return this.#settings.extensions.kinds ?? [];
  }

  /** Paths of the fields of a base that the operator reads. */
  get paths(): FieldPaths {
    const { preferencePath, extensions, capabilityPaths } = this.#settings;
    return { preference: preferencePath, extensions: extensions.path, capability: capabilityPaths };
  }

  /** Reports whether plugins may request dependents. */
  get hasDependents(): boolean {
    return this.#settings.dependents.permittedKinds.length > 0;
  }

  /** Reports whether resources ask for capabilities. */
  get asksCapability(): boolean {
    return this.#settings.capabilityPaths !== undefined;
  }

  /** Returns the kinds that the delegation names in any role. */
  get kinds(): readonly ResourceKind[] {
    const { base, extensions, dependents, requirements } = this.#settings;
    return [base, ...(extensions.kinds ?? []), ...dependents.kinds, ...requirements.kinds];
  }

  /** Reports whether this delegation and another one might reconcile the same resource. */
  overlaps(other: DelegationView): boolean {
    return overlap(this.#settings, other.#settings);
  }

  /** Describes why a resource of the base's kind isn't delegated; `undefined` if it is. */
  findExclusion(manifest: CheckedManifest): string | undefined {
    if (isIncluded(resourceOf(manifest), this.#settings)) return undefined;
    const { namespaces, labels } = this.#settings;
    const { namespace, labels: own = {} } = manifest.metadata;
    if (namespaces && !namespaces.has(namespace)) {
      return `the namespace ${namespace} is none of ${[...namespaces].sort().join(', ')}`;
    }
    const missing = Object.entries(labels).filter(([name, value]) => own[name] !== value);
    return `it lacks the label ${missing.map(([name, value]) => `${name}: ${JSON.stringify(value)}`).join(', ')}`;
  }

  /** Returns the faults of a base. References to extensions that don't exist are none. */
  findFaults(manifest: CheckedManifest): BaseFault[] {
    const base = resourceOf(manifest);
    const { extensions, preferencePath, capabilityPaths } = this.#settings;
    const faults: BaseFault[] = [];
    const paused = findPausedFault(base);
    if (paused)
      faults.push({ path: ['metadata', 'annotations', pausedAnnotation], reason: 'PausedInvalid', message: paused });
    const preference = readPreference(base, this.#settings);
    if (typeof preference === 'string') {
      faults.push({ path: preferencePath, reason: 'PreferenceInvalid', message: preference });
    }
    const capability = readWantedCapability(base, this.#settings);
    if (typeof capability === 'string') {
      const path = Object.values(capabilityPaths ?? {}).find((one) => capability.startsWith(`.${one.join('.')} `));
      faults.push({ path: path ?? [], reason: 'CapabilityInvalid', message: capability });
    }
    for (const { reason, message, index } of readReferences(base, this.#settings).problems) {
      const path = index === undefined ? extensions.path : [...extensions.path, index];
      faults.push({ path, reason, message });
    }
    return faults;
  }

  /** Returns the references of a base to extensions, without those that are among its faults. */
  readReferences(manifest: CheckedManifest): PlacedReference[] {
    const base = resourceOf(manifest);
    const { path } = this.#settings.extensions;
    const { references } = readReferences(base, this.#settings);
    const listed = readField(base, path);
    const items = (Array.isArray(listed) ? listed : []).map((item) => (isJsonObject(item) ? item : {}));
    return [...references].map(([key, reference]) => {
      const index = items.findIndex(({ apiVersion, kind, name }) => {
        return isSameKind({ apiVersion, kind } as ResourceKind, reference) && name === reference.name;
      });
      return { path: [...path, index], key, reference };
    });
  }
}

/** Returns a manifest as a resource. */
function resourceOf(manifest: CheckedManifest): Resource {
  const { metadata, ...fields } = manifest;
  return { ...fields, metadata: { ...metadata, uid: '', generation: 1, resourceVersion: '' } } as Resource;
}
