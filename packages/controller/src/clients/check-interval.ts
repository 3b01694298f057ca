import { limits } from '../limits/limits.ts';

/** Number of consecutive successful checks after which the interval is multiplied by the same number. */
export const { healthyThreshold } = limits.connections;

/** Interval until the next check after a number of consecutive successful ones. */
export function checkInterval(interval: number, successes: number): number {
  return successes > healthyThreshold ? interval * healthyThreshold : interval;
}
