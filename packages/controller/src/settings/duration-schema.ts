import { z } from 'zod';
import { parseDuration } from './duration.ts';

/** Schema of a duration: a number of milliseconds, or a string such as `500ms`, `5s`, `1m30s` or `2h`. It yields milliseconds. */
export const durationSchema = z.union([z.number(), z.string()]).transform((value, context) => {
  const milliseconds = typeof value === 'number' ? value : parseDuration(value);
  if (milliseconds !== undefined && Number.isFinite(milliseconds) && milliseconds > 0) return milliseconds;
  context.addIssue({ code: 'custom', message: `"${value}" is not a duration; use one such as 500ms, 5s, 1m30s or 2h` });
  return z.NEVER;
});
