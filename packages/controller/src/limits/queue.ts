import { count, milliseconds } from './limit.ts';

/** Limits of timers, and of walks over many objects. */
export const queue = {
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
