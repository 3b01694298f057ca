import { type ChildProcess, fork } from 'node:child_process';
import { networkInterfaces } from 'node:os';
import { definePlugin, type PluginDefinition, type RunningPlugin } from '@kplug/sdk';
import { onTestFinished } from 'vitest';
import type { ClusterObject, TestCluster } from '../control-plane/test-cluster.ts';
import { countingPlugin } from '../plugin-process.ts';

/** Conditions of an endpoint of a Service. */
export interface EndpointConditions {
  ready: boolean;
  terminating?: boolean;
}

/** Address of this machine that an EndpointSlice may contain, which excludes loopback. */
export function machineAddress(): string {
  const addresses = Object.values(networkInterfaces()).flat();
  const usable = addresses.find(
    (one) => one?.family === 'IPv4' && !one.internal && !one.address.startsWith('169.254.'),
  );
  if (!usable) throw new Error('This machine has only loopback IPv4 addresses, which no EndpointSlice may contain.');
  return usable.address;
}

/** Serves a plugin that sends no heartbeats, on an address of this machine. It stops with the test. */
export async function serveQuietly(
  given: Partial<PluginDefinition> & Pick<PluginDefinition, 'name'>,
  port = 0,
): Promise<RunningPlugin> {
  const defaults = { version: '1.0.0', api: 'Table@1.0.0', reconcile: () => ({ status: { by: given.name } }) };
  return serveAny(definePlugin({ ...defaults, ...given }), port);
}

/** Serves any plugin without heartbeats. */
export async function serveAny(
  plugin: { serve(options: object): Promise<RunningPlugin> },
  port = 0,
): Promise<RunningPlugin> {
  const running = await plugin.serve({
    controller: 'none',
    insecure: true,
    bindAddress: `[::]:${port}`,
    logLevel: 'silent',
    handleSignals: false,
  });
  onTestFinished(() => running.stop());
  return running;
}

/** Starts `test/plugins/counting.ts` without heartbeats in a process of its own. It is killed with the test. */
export function spawnQuietly(name: string, port: number): ChildProcess {
  const child = fork(countingPlugin, {
    env: {
      ...process.env,
      TEST_PLUGIN_NAME: name,
      KPLUG_CONTROLLER: 'none',
      KPLUG_INSECURE: 'true',
      KPLUG_BIND_ADDRESS: `:${port}`,
      KPLUG_LOG_LEVEL: 'silent',
    },
    execArgv: [],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

/** Port on which a plugin listens. */
export function portOf({ address }: RunningPlugin): number {
  return Number(address.slice(address.lastIndexOf(':') + 1));
}

/** Service whose EndpointSlices this class writes, one for each endpoint, as the test control plane has no controllers. */
export class TestService {
  readonly name: string;
  readonly #cluster: TestCluster;
  readonly #namespace: string;

  constructor(cluster: TestCluster, namespace: string, name: string) {
    this.#cluster = cluster;
    this.#namespace = namespace;
    this.name = name;
  }

  /** Applies the Service with one port. */
  async apply(more: { port?: number; metadata?: object } = {}): Promise<void> {
    const { port = 7000, metadata } = more;
    await this.#cluster.apply({
      ...this.#object('v1', 'Service', this.name),
      metadata: { name: this.name, namespace: this.#namespace, ...metadata },
      spec: { selector: { app: this.name }, ports: [{ port, targetPort: 'grpc' }] },
    });
  }

  async delete(): Promise<void> {
    await this.#cluster.delete(this.#object('v1', 'Service', this.name));
  }

  /** Applies an endpoint with its conditions. */
  async endpoint(port: number, conditions: EndpointConditions = { ready: true }): Promise<void> {
    await this.#cluster.apply({
      ...this.#slice(port),
      metadata: { ...this.#slice(port).metadata, labels: { 'kubernetes.io/service-name': this.name } },
      addressType: 'IPv4',
      endpoints: [{ addresses: [machineAddress()], conditions }],
      ports: [{ name: '', port, protocol: 'TCP' }],
    });
  }

  /** Deletes an endpoint. */
  async withdraw(port: number): Promise<void> {
    await this.#cluster.delete(this.#slice(port));
  }

  #slice(port: number): ClusterObject {
    return this.#object('discovery.k8s.io/v1', 'EndpointSlice', `${this.name}-${port}`);
  }

  #object(apiVersion: string, kind: string, name: string): ClusterObject {
    return { apiVersion, kind, metadata: { name, namespace: this.#namespace } };
  }
}
