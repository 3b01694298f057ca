import type { Report } from '../report.ts';
import type { Requirement } from '../requirement.ts';
import { ControllerUnderTest } from './controller-under-test.ts';
import type { DelegatedOptions } from './delegated/delegated-trial.ts';
/** What `docs/plugin-specification.md` requires of a controller, in the order in which it is tried. */
export declare const controllerRequirements: readonly Requirement<ControllerUnderTest>[];
/** What a controller is tried with. */
export interface ConformControllerOptions {
  /** The numbers of the requirements to try. Default: all. */
  only?: readonly string[] | undefined;
  /** What it delegates. Default: nothing that is known, and what needs it isn't tried. */
  delegated?: DelegatedOptions | undefined;
}
/** Tries a controller from a plugin's side. Rejects with a `CommandError` when none answers. */
export declare function conformController(
  address: string,
  { only, delegated }?: ConformControllerOptions,
): Promise<Report>;
