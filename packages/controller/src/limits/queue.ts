import { count, milliseconds, percent } from './limit.ts';

/** Limits of the queue of passes, of timers, and of walks over many objects. */
export const queue = {
  minLaneShare: percent(
    12.5,
    "Part of a delegation's concurrency that each plugin may always use, even if other plugins use up the whole; at least one resource.",
  ),
  maxLaneShare: percent(
    75,
    "Largest part of a delegation's concurrency that one plugin may use while others may need it. A plugin that is alone may use all of it.",
  ),
  maxUrgentRun: count(
    4,
    'Number of changed or deleted resources in a row that are reconciled before one that waits for another reason: start, resync, repair or retry.',
  ),
  maxMovedAtOnce: count(
    256,
    'Number of waiting resources that move to the lane of another plugin before other work runs, when one is about to start.',
  ),
  maxTimerDelay: milliseconds(
    2_147_483_647,
    'Longest delay of one timer of Node.js, and largest value of a time limit without a larger maximum. Deadlines and intervals of delegations may be longer.',
  ),
  maxSlice: milliseconds(
    2,
    'Time after which a walk over many resources or instances lets other work run before it continues.',
  ),
  minSliceItems: count(
    16,
    'Number of resources or instances that such a walk visits before it looks at the time again.',
  ),
};
