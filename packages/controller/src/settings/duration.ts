import { z } from 'zod';

const units: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** A duration: milliseconds as a number, or a text such as `500ms`, `5s`, `1m30s` or `2h`. */
export const duration = z.union([z.number(), z.string()]).transform((value, context) => {
  const milliseconds = typeof value === 'number' ? value : parseDuration(value);
  if (milliseconds !== undefined && Number.isFinite(milliseconds) && milliseconds > 0) return milliseconds;
  context.addIssue({ code: 'custom', message: `"${value}" is no duration; write one such as 500ms, 5s, 1m30s or 2h` });
  return z.NEVER;
});

/** Reads a duration as `duration` does; `undefined` for anything else. */
export function parseDuration(text: string): number | undefined {
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) return undefined;
  let total = 0;
  for (const [, amount, unit = ''] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)) {
    total += Number(amount) * (units[unit] ?? 0);
  }
  return total;
}
