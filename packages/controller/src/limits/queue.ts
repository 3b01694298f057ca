import { count, milliseconds, percent } from './limit.ts';

/** Limits of the queue of passes, and of timers. */
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
  maxRelocated: count(
    1_000,
    'Number of waiting resources that are assigned to plugins again without a pause, after plugins came or went.',
  ),
  maxTimerDelay: milliseconds(
    2_147_483_647,
    'Longest delay of one timer of Node.js, and largest value of a time limit without a larger maximum. Deadlines and intervals of delegations may be longer.',
  ),
};
