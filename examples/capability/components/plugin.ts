import { definePlugin, retry } from '@kplug/sdk';
import { z } from 'zod';
import { deploymentOf } from './deployment.ts';

const component = z.object({
  spec: z.object({ image: z.string(), args: z.array(z.string()).optional(), replicas: z.int().default(1) }),
});

/** Capability that a component links to. Its plugin wrote the connection parameters. */
const capability = z.object({
  spec: z.object({ category: z.string() }),
  status: z
    .looseObject({
      host: z.string().optional(),
      port: z.int().optional(),
      database: z.string().optional(),
      username: z.string().optional(),
      secretName: z.string().optional(),
      conditions: z.array(z.object({ type: z.string(), status: z.string() })).optional(),
    })
    .optional(),
});

/** Capability with the connection parameters of its status. */
export type LinkedCapability = z.output<typeof capability>;

/** Plugin that runs components as Deployments, with the connection parameters of the capabilities that they link to. */
export const components = definePlugin({
  name: 'Components',
  version: '1.0.0',
  api: 'Component@1.0.0',
  base: component,
  extensions: { Capability: capability },
  reconcile({ base, extensions, dependents }) {
    const links = extensions.all('Capability');
    const isRunning = dependents.get('Deployment', base.metadata.name) !== undefined;
    // A component that runs stays while a database restarts.
    const missing = links.find((link) => !link.status?.secretName || !(isRunning || isReady(link)));
    if (missing) {
      // A change of the capability leads to a call, too.
      throw retry(`Capability ${missing.metadata.name} is not ready`, { reason: 'CapabilityNotReady' });
    }
    return {
      dependents: [deploymentOf(base.metadata.name, base.spec, links)],
      status: { links: links.map(({ metadata, status }) => `${metadata.name}: ${status?.host}:${status?.port}`) },
    };
  },
});

function isReady({ status }: LinkedCapability): boolean {
  return status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') ?? false;
}
