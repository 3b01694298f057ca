import * as grpc from '@grpc/grpc-js';
import {
  addService,
  createGrpcClient,
  type GrpcHandlers,
  Outcome,
  PluginService,
  RegistryService,
} from '@kplug/protocol';
import type { TestOperator } from '@kplug/testing';
import { onTestFinished } from 'vitest';
import { owner } from './attacks/owner.fixture.ts';

type Handlers = GrpcHandlers<typeof PluginService>;

/** Properties of a raw plugin. */
export interface RawPluginOptions {
  plugin?: string;
  instanceId?: string;
  /** Instance id in the registration, if another one. */
  claims?: string;
  /** Serves `Work`, and declares it in `GetInfo`. */
  work?: Handlers['work'];
  /** Declaration in `GetInfo`. */
  serializesCalls?: boolean;
  /** Options of its server. */
  server?: grpc.ServerOptions;
}

/** Plugin that implements the protocol directly and may violate it. It registers by unary heartbeats. */
/** Plugin that implements the protocol directly and may violate it. It registers by unary heartbeats. */
export async function rawPlugin(
  operator: TestOperator,
  reconcile: Handlers['reconcile'],
  given: RawPluginOptions = {},
  garbage?: Buffer,
) {
  const { plugin = 'Raw', instanceId = 'raw', claims = instanceId, work, serializesCalls = false } = given;
  const server = new grpc.Server(given.server);
  const send = server.addService.bind(server);
  server.addService = (service, implementation) => {
    const definition = Object.fromEntries(
      Object.entries(service).map(([name, method]) => [
        name,
        garbage && name === 'reconcile' ? { ...method, responseSerialize: () => garbage } : method,
      ]),
    );
    send(definition, implementation);
  };
  addService(server, PluginService, {
    getInfo: () => ({ plugin, version: '1.0.0', instanceId, servesWork: work !== undefined, serializesCalls }),
    reconcile,
    finalize: () => ({ outcome: Outcome.SUCCESS }),
    ...(work && { work }),
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  const registry = createGrpcClient(
    RegistryService,
    operator.controller.heartbeatAddress,
    grpc.credentials.createInsecure(),
  );
  const beat = () =>
    registry.heartbeat(
      {
        registration: {
          plugin,
          version: '1.0.0',
          apis: [{ name: 'Table', version: '1.0.0' }],
          address: `127.0.0.1:${port}`,
          instanceId: claims,
        },
      },
      { metadata: owner },
    );
  await beat();
  const timer = setInterval(() => void beat().catch(() => undefined), 200);
  onTestFinished(() => {
    clearInterval(timer);
    registry.$client.close();
    server.forceShutdown();
  });
  return { server, port };
}
