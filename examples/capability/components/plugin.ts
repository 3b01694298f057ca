import { definePlugin, retry } from '@kplug/sdk';
import { z } from 'zod';
import { capability, isReady } from './capability.ts';
import { deploymentOf } from './deployment.ts';
import { findCapabilities, need, requirementsOf } from './find-capability.ts';

const component = z.object({
  spec: z.object({
    image: z.string(),
    args: z.array(z.string()).optional(),
    replicas: z.int().default(1),
    needs: z.array(need).default([]),
  }),
  status: z.looseObject({ bound: z.array(z.string()).optional() }).optional(),
});

/**
 * Plugin that runs components as Deployments, with the connection parameters of the capabilities that they link to, or that they need and
 * it finds.
 */
export const components = definePlugin({
  name: 'Components',
  version: '1.0.0',
  api: 'Component@1.0.0',
  base: component,
  extensions: { Capability: capability },
  reconcile({ base: { metadata, spec, status }, extensions, dependents, required }) {
    const require = requirementsOf(spec.needs);
    if (!Object.keys(require).every((name) => required.has(name))) return { require };
    const found = findCapabilities(spec.needs, required, status?.bound ?? []);
    const links = [...extensions.all('Capability'), ...found];
    const isRunning = dependents.get('Deployment', metadata.name) !== undefined;
    // A component that runs stays while a database restarts.
    const missing = links.find((link) => !link.status?.secretName || !(isRunning || isReady(link)));
    if (missing) {
      // A change of the capability leads to a call, too.
      throw retry(`Capability ${missing.metadata.name} is not ready`, { reason: 'CapabilityNotReady' });
    }
    return {
      require,
      dependents: [deploymentOf(metadata.name, spec, links)],
      status: {
        links: links.map(({ metadata, status }) => `${metadata.name}: ${status?.host}:${status?.port}`),
        bound: found.map(({ metadata }) => metadata.name),
      },
    };
  },
});
