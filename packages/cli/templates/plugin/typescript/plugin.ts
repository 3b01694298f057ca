import { definePlugin, terminal } from '@kplug/sdk';
import { z } from 'zod';
import packageJson from './package.json' with { type: 'json' };
import { DoesNotFit, plan } from './plan.ts';

const subnet = z.object({
  name: z.string().min(1).max(63),
  hosts: z
    .int()
    .min(1)
    .max(2 ** 24),
});

/** What of a resource is looked at. Whoever writes something else into the spec reads what is wrong in its status. */
const base = z.object({
  spec: z.object({
    network: z.cidrv4(),
    subnets: z
      .array(subnet)
      .min(1)
      .max(256)
      .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, 'two subnets have the same name'),
  }),
  // What was given before. A status that isn't as this plugin writes it counts as none.
  status: z
    .object({ subnets: z.array(z.object({ name: z.string(), network: z.cidrv4() })) })
    .optional()
    .catch(undefined),
});

await definePlugin({
  name: '__NAME__',
  version: packageJson.version,
  api: '__API__@__API_VERSION__',
  base,
  reconcile({ base: { spec, status } }) {
    try {
      return { status: { subnets: plan(spec, status?.subnets) } };
    } catch (error) {
      // Trying again can't help until somebody edits the resource. Any other error is tried again.
      if (error instanceof DoesNotFit) throw terminal(error.message, { reason: 'DoesNotFit' });
      throw error;
    }
  },
  // Nothing is made outside the status, so there is nothing to undo: `finalize` is left out.
}).serve();
