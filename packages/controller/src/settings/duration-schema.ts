import { z } from 'zod';
import { limits } from '../limits/limits.ts';
import { parseDuration } from './duration.ts';

/**
 * Schema of a duration: a number of milliseconds, or a string such as `500ms`, `5s`, `1m30s` or `2h`. It yields milliseconds.
 *
 * @param max largest duration, in milliseconds.
 */
export const durationUpTo = (max: number) =>
  z.union([z.number(), z.string()]).transform((value, context) => {
    const milliseconds = typeof value === 'number' ? value : parseDuration(value);
    if (milliseconds === undefined || !(milliseconds > 0)) {
      const message = `"${value}" is not a duration; use one such as 500ms, 5s, 1m30s or 2h`;
      context.addIssue({ code: 'custom', message });
      return z.NEVER;
    }
    if (milliseconds <= max) return milliseconds;
    const message = `"${value}" is too long; the longest duration is ${Math.floor(max / 3_600_000)}h`;
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });

/** Schema of a duration that a timer of Node.js can measure. */
export const durationSchema = durationUpTo(limits.queue.maxTimerDelay);
