import type { SemVer } from 'semver';

/** A plugin that may be chosen, as selection sees it. */
export interface Candidate {
  readonly plugin: string;
  readonly version: string;
  readonly semver: SemVer;
  readonly api: {
    readonly version: SemVer;
    readonly capabilities: Readonly<Record<string, string>>;
  };
  /** The instances that may be called. A candidate without any can't be chosen. */
  readonly callable: readonly unknown[];
  /** All instances, with their states: why there is none to be called. */
  readonly instances: Iterable<{ readonly state: string; readonly stateReason: string }>;
  readonly weight: number;
}

/** The plugin that a resource went to last. */
export interface PresentChoice {
  plugin: string;
  version: string;
}
