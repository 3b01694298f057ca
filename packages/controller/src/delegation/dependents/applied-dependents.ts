import type { JsonValue } from '../../resources/resource.ts';
import type { Failure } from '../calls/attempt.ts';
import type { Unready } from './summarize.ts';

/** Dependents of a base after a pass. */
export interface AppliedDependents {
  /** Inventory for the base's status. */
  dependents: JsonValue[];
  /** Number of dependents that are ready, of all that are wanted: `2/3`. `undefined` if none are wanted. */
  dependentsReady?: string;
  /** Failure to apply them. It is retried. */
  failure?: Failure;
  /** Reason why the base isn't ready yet because of them. */
  unready?: Unready;
  /** True if a plugin is to be called again, as it has not seen its dependents as they are. */
  needsCall?: boolean;
}

/** Dependents of a deleted base that are not gone yet. */
export interface RemainingDependents {
  applied: Pick<AppliedDependents, 'dependents'>;
  message: string;
}
