import { z } from 'zod';

const units: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** The longest that access is granted for, in milliseconds: a week. */
const longest = 7 * 86_400_000;

const duration = z.string().transform((text, context) => {
  const [, amount, unit = ''] = /^([1-9][0-9]*)([mhd])$/.exec(text) ?? [];
  const milliseconds = Number(amount) * (units[unit] ?? Number.NaN);
  if (milliseconds <= longest) return milliseconds;
  context.addIssue({
    code: 'custom',
    message: `"${text}" is no duration of up to 7d; write one such as 30m, 8h or 2d`,
  });
  return z.NEVER;
});

/** An `AccessRequest`: who wants to be what in its namespace, and for how long. */
export const accessRequest = z.object({
  spec: z.object({
    user: z.string().min(1),
    /** A ClusterRole, of those that the plugin may bind. */
    role: z.enum(['view', 'edit']),
    duration,
  }),
  status: z.looseObject({ grantedAt: z.string().optional() }).optional(),
});

/** From when to when access is granted. It begins with the first pass, and a longer duration is counted from there. */
export function periodOf(
  { spec, status }: z.output<typeof accessRequest>,
  now: number,
): { grantedAt: string; expiresAt: string; left: number } {
  const grantedAt = status?.grantedAt ?? new Date(now).toISOString();
  const end = Date.parse(grantedAt) + spec.duration;
  return { grantedAt, expiresAt: new Date(end).toISOString(), left: end - now };
}
