import type { Invariant } from '../invariant.ts';
import { AnswersAreCurrent } from './answers-are-current.ts';
import { CallsHaveCauses } from './calls-have-causes.ts';
import { ChangesAreActedUpon } from './changes-are-acted-upon.ts';
import { DeletedResourcesVanish } from './deleted-resources-vanish.ts';
import { FinalizeHasACause } from './finalize-has-a-cause.ts';
import { FinalizerGoesLast } from './finalizer-goes-last.ts';
import { NothingAfterStop } from './nothing-after-stop.ts';
import { OneCallAtATime } from './one-call-at-a-time.ts';
import { StatusesAreTrue } from './statuses-are-true.ts';

/** Creates the invariants for one run. */
export function createInvariants(): Invariant[] {
  return [
    new OneCallAtATime(),
    new CallsHaveCauses(),
    new FinalizeHasACause(),
    new FinalizerGoesLast(),
    new StatusesAreTrue(),
    new AnswersAreCurrent(),
    new NothingAfterStop(),
    new ChangesAreActedUpon(),
    new DeletedResourcesVanish(),
  ];
}
