import { randomBytes } from 'node:crypto';
import { type Dependent, defineCapability, type RunningPlugin } from '@kplug/sdk';
import { serveCommands } from './commands.ts';

const port = 5432;

let calls = 0;
let running: RunningPlugin | undefined;

/** Plugin that makes a capability from five dependents, of which the last one is ready when its status says so. */
const commands = {
  async serve(controller: string): Promise<void> {
    const plugin = defineCapability({
      name: 'Databases',
      version: '1.0.0',
      api: 'Capability@1.0.0',
      category: 'database',
      types: { postgresql: ['17'] },
      dependents({ name, version }) {
        calls++;
        return dependentsOf(`${name}-db`, version);
      },
      status: ({ name, namespace }) => ({ host: `${name}-db.${namespace}`, port }),
    });
    running = await plugin.serve({ controller, logLevel: 'silent' });
  },

  stop: () => running?.stop(),

  calls: () => calls,
};

export type CapabilityPluginCommands = typeof commands;

serveCommands(commands);

function dependentsOf(name: string, version: string) {
  const labels = { app: name };
  const metadata = { name, labels };
  const pods = `${name}-pods`;
  const ports = [{ name: 'db', port, protocol: 'TCP' }];
  const stringData = { username: 'app', password: randomBytes(16).toString('hex') };
  const secret: Dependent = { apiVersion: 'v1', kind: 'Secret', metadata, stringData };
  const config: Dependent = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata,
    data: { 'settings.conf': 'max_connections = 100\n' },
  };
  // Without addresses, which the API server has too few of.
  const service = (name: string): Dependent => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, labels },
    spec: { clusterIP: 'None', selector: labels, ports },
  });
  const containers = [{ name: 'db', image: `postgres:${version}` }];
  const set: Dependent = {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata,
    spec: {
      replicas: 1,
      serviceName: pods,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers } },
    },
  };
  return [{ manifest: secret, policy: 'CreateOnly' as const }, config, service(name), service(pods), set];
}
