import { z } from 'zod';

/** Capability that a component uses. Its plugin wrote the connection parameters. */
export const capability = z.looseObject({
  spec: z.object({ category: z.string(), type: z.string() }),
  status: z
    .looseObject({
      host: z.string().optional(),
      port: z.int().optional(),
      database: z.string().optional(),
      username: z.string().optional(),
      secretName: z.string().optional(),
      capability: z.object({ version: z.string() }).optional(),
      conditions: z.array(z.object({ type: z.string(), status: z.string() })).optional(),
    })
    .optional(),
});

/** Capability with the connection parameters of its status. */
export type LinkedCapability = z.output<typeof capability> & { metadata: { name: string } };

/** Reports whether a capability is ready. */
export function isReady({ status }: LinkedCapability): boolean {
  return status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') ?? false;
}
