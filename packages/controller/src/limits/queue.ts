import { milliseconds } from './limit.ts';

/** Limits of timers. */
export const queue = {
  maxTimerDelay: milliseconds(
    2_147_483_647,
    'Longest delay of one timer of Node.js, and largest value of a time limit without a larger maximum. Deadlines and intervals of delegations may be longer.',
  ),
};
