import type { SemVer } from 'semver';
import type { VersionedName } from '../names.ts';
import type { CapabilityOffer } from './capability.ts';

/** A plugin that may be chosen. */
export interface Candidate extends VersionedName {
  readonly semver: SemVer;
  readonly api: {
    readonly version: SemVer;
    readonly capabilities: Readonly<Record<string, string>>;
    /** Capabilities that resources may ask for. */
    readonly provides: readonly CapabilityOffer[];
  };
  /** Instances that accept calls. A candidate without any is not eligible. */
  readonly callable: readonly unknown[];
  /** Reason why no instance is callable; `undefined` if one is. */
  readonly unavailability: 'NotServing' | 'Unreachable' | 'Draining' | undefined;
  /** Instances that can't be reached, with the reasons. */
  readonly unreachable: Iterable<{ readonly stateReason: string }>;
  readonly weight: number;
  /** Owners of its instances: the identities that they proved, as text. */
  readonly owners: readonly string[];
}

/** The plugin that reconciled a resource last. */
export type PresentChoice = VersionedName;
