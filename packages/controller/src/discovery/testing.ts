import type { MessageInitShape } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import { addService, type GetInfoResponseSchema, type GrpcHandlers, PluginService } from '@kplug/protocol';
import { onTestFinished, vi } from 'vitest';
import { PluginChannels } from '../certificates/plugin-channels.ts';
import { WorkQueue } from '../queue/work-queue.ts';
import { AwakeClock } from '../registry/clock.ts';
import { LeasePolicy } from '../registry/lease-policy.ts';
import { RegistrationReader } from '../registry/read-registration.ts';
import { Registry } from '../registry/registry.ts';
import type { Probe, ProbeParts } from './probe.ts';
import { ProbedInstances } from './probed-instances.ts';

/** Waits until `check` no longer throws. */
export function eventually<T>(check: () => T): Promise<T> {
  return vi.waitFor(check, { timeout: 10_000, interval: 5 });
}

/** Response to `GetInfo` of a plugin that implements one API. */
export const postgresql = {
  plugin: 'PostgreSQL',
  version: '1.2.0',
  apis: [{ name: 'Table', version: '1.0.0' }],
  instanceId: 'process-1',
} satisfies MessageInitShape<typeof GetInfoResponseSchema>;

/** Plugin that serves nothing but `GetInfo`, for as long as the test runs. */
export class InfoServer {
  readonly #server = new grpc.Server();
  /** Response to the next calls. */
  info: MessageInitShape<typeof GetInfoResponseSchema>;
  /** Number of calls so far. */
  calls = 0;
  address = '';

  constructor(info: MessageInitShape<typeof GetInfoResponseSchema>) {
    this.info = info;
  }

  /** Serves a plugin at a loopback address. */
  static async start(
    info: MessageInitShape<typeof GetInfoResponseSchema> = postgresql,
    address = '127.0.0.1:0',
  ): Promise<InfoServer> {
    const server = new InfoServer(info);
    const handlers: Partial<GrpcHandlers<typeof PluginService>> = {
      getInfo: () => {
        server.calls++;
        return server.info;
      },
    };
    await server.#listen(handlers, address);
    return server;
  }

  /** Serves given handlers instead. */
  static async startWith(handlers: Partial<GrpcHandlers<typeof PluginService>>): Promise<InfoServer> {
    const server = new InfoServer({});
    await server.#listen(handlers, '127.0.0.1:0');
    return server;
  }

  /** Closes the port and all connections. */
  stop(): void {
    this.#server.forceShutdown();
  }

  async #listen(handlers: Partial<GrpcHandlers<typeof PluginService>>, address: string): Promise<void> {
    addService(this.#server, PluginService, handlers);
    const port = await new Promise<number>((resolve, reject) => {
      this.#server.bindAsync(address, grpc.ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      );
    });
    this.address = `127.0.0.1:${port}`;
    onTestFinished(() => this.stop());
  }
}

/** Registry for the test, with the parts that probes of it need. */
export function probeParts({
  interval = 100,
  retryDelay = 10,
  timeout = 2_000,
  capacity = 100,
  reserved = [],
}: {
  interval?: number;
  retryDelay?: number;
  timeout?: number;
  capacity?: number;
  reserved?: readonly string[];
} = {}) {
  const clock = new AwakeClock();
  const registry = new Registry({ clock, capacity });
  const inFlight = new Map<string, number>();
  const instances = new ProbedInstances(registry, ({ registration }) => inFlight.get(registration.instanceId) ?? 0);
  const queue = new WorkQueue<Probe>({
    concurrency: 10,
    backOff: { initial: retryDelay, max: interval },
    work: (probe) => probe.run(),
  });
  const parts: ProbeParts = {
    instances,
    reader: new RegistrationReader(new LeasePolicy(), { allowLoopback: true, reserved }),
    security: new PluginChannels(),
    timing: { interval, timeout },
    queue,
  };
  onTestFinished(async () => {
    instances.close();
    await queue.close();
    registry.close();
    clock[Symbol.dispose]();
  });
  return { parts, registry, instances, inFlight };
}
