import { z } from 'zod';

/** Schema of a `Capability`, besides its category, type and version. */
export const capabilitySpec = z.object({ spec: z.object({ storage: z.string().default('1Gi') }) });
