import type { SemVer } from 'semver';
import type { VersionedName } from '../names.ts';

/** A plugin that may be chosen. */
export interface Candidate extends VersionedName {
  readonly semver: SemVer;
  readonly api: {
    readonly version: SemVer;
    readonly capabilities: Readonly<Record<string, string>>;
  };
  /** Instances that accept calls. A candidate without any is not eligible. */
  readonly callable: readonly unknown[];
  /** All instances with their states, which explain why none is callable. */
  readonly instances: Iterable<{ readonly state: string; readonly stateReason: string }>;
  readonly weight: number;
}

/** The plugin that reconciled a resource last. */
export type PresentChoice = VersionedName;
