import type { DescMessage, DescService, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import { createGrpcClient, type GrpcClient, type UnaryCallOptions } from '@kplug/protocol';
import type { PluginClient } from './plugin-client.ts';

/** Names of the unary methods of a service. */
export type UnaryMethod<S extends DescService> = {
  [K in keyof S['method']]: S['method'][K] extends { methodKind: 'unary' } ? K : never;
}[keyof S['method']] &
  string;

/** Input of a method. */
export type MethodInput<S extends DescService, K extends keyof S['method']> = S['method'][K] extends {
  input: infer I extends DescMessage;
}
  ? MessageInitShape<I>
  : never;

/** Output of a method. */
export type MethodOutput<S extends DescService, K extends keyof S['method']> = S['method'][K] extends {
  output: infer O extends DescMessage;
}
  ? MessageShape<O>
  : never;

/** Clients of further services on the channels of existing connections. */
const clients = new WeakMap<PluginClient, Map<DescService, GrpcClient<DescService>>>();

/** Calls a method of a service that a plugin serves in addition to the protocol's. Rejects with the gRPC error. */
export function callMethod<S extends DescService, K extends UnaryMethod<S>>(
  plugin: PluginClient,
  service: S,
  method: K,
  input: MethodInput<S, K>,
  options: UnaryCallOptions,
): Promise<MethodOutput<S, K>> {
  const { [method]: call } = clientOf(plugin, service) as unknown as Record<
    K,
    (input: MethodInput<S, K>, options: UnaryCallOptions) => Promise<MethodOutput<S, K>>
  >;
  const signal = options.signal ? AbortSignal.any([options.signal, plugin.signal]) : plugin.signal;
  return call(input, { ...options, signal, maxResponseSize: plugin.maxMessageSize });
}

function clientOf<S extends DescService>(plugin: PluginClient, service: S): GrpcClient<DescService> {
  const known = clients.get(plugin) ?? new Map<DescService, GrpcClient<DescService>>();
  clients.set(plugin, known);
  let client = known.get(service);
  if (!client) {
    const channelOverride = plugin.grpcClient.getChannel();
    // The address and the credentials are unused, as the channel exists.
    client = createGrpcClient<DescService>(service, '', grpc.credentials.createInsecure(), { channelOverride });
    known.set(service, client);
  }
  return client;
}
