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

/** Fields of a resource that the plugin uses. The status of an invalid resource describes the error. */
const base = z.object({
  spec: z.object({
    network: z.cidrv4(),
    subnets: z
      .array(subnet)
      .min(1)
      .max(256)
      .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, 'two subnets have the same name'),
  }),
  // Previous places. A status that another plugin wrote is ignored.
  status: z
    .object({ subnets: z.array(z.object({ name: z.string(), network: z.cidrv4() })) })
    .optional()
    .catch(undefined),
});

export const plugin = definePlugin({
  name: 'FirstFit',
  version: packageJson.version,
  api: 'AddressPlan@1.0.0',
  base,
  reconcile({ base: { spec, status } }) {
    try {
      return { status: { subnets: plan(spec, status?.subnets) } };
    } catch (error) {
      // A retry can't succeed until the resource is edited. Any other error is retried.
      if (error instanceof DoesNotFit) throw terminal(error.message, { reason: 'DoesNotFit' });
      throw error;
    }
  },
  // `reconcile` creates nothing outside of the status, so `finalize` is not needed.
});

// A test imports the plugin without serving it.
if (import.meta.main) await plugin.serve();
