import { z } from 'zod';

const units: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Maximum duration of a grant, in milliseconds: a week. */
const maxDuration = 7 * 86_400_000;

const duration = z.string().transform((text, context) => {
  const [, amount, unit = ''] = /^([1-9][0-9]*)([mhd])$/.exec(text) ?? [];
  const milliseconds = Number(amount) * (units[unit] ?? Number.NaN);
  if (milliseconds <= maxDuration) return milliseconds;
  context.addIssue({
    code: 'custom',
    message: `"${text}" is not a duration of at most 7d; write one such as 30m, 8h or 2d`,
  });
  return z.NEVER;
});

/** Schema of an `AccessRequest`: a role for a user in its namespace, for a limited time. */
export const accessRequest = z.object({
  spec: z.object({
    user: z.string().min(1),
    /** ClusterRole that the plugin may bind. */
    role: z.enum(['view', 'edit']),
    duration,
  }),
  status: z.looseObject({ grantedAt: z.string().optional() }).optional(),
});

/** Returns the period of a grant. It begins with the first pass, also if the duration is changed later. */
export function periodOf(
  { spec, status }: z.output<typeof accessRequest>,
  now: number,
): { grantedAt: string; expiresAt: string; left: number } {
  const grantedAt = status?.grantedAt ?? new Date(now).toISOString();
  const end = Date.parse(grantedAt) + spec.duration;
  return { grantedAt, expiresAt: new Date(end).toISOString(), left: end - now };
}
