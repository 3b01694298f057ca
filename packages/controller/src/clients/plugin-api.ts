import type { DescMessage, DescService, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import { createGrpcClient, type GrpcClient, type UnaryCallOptions } from '@kplug/protocol';
import type { PluginClient } from './plugin-client.ts';

/** The unary methods of a service. */
export type UnaryMethod<S extends DescService> = {
  [K in keyof S['method']]: S['method'][K] extends { methodKind: 'unary' } ? K : never;
}[keyof S['method']] &
  string;

/** What a method takes. */
export type MethodInput<S extends DescService, K extends keyof S['method']> = S['method'][K] extends {
  input: infer I extends DescMessage;
}
  ? MessageInitShape<I>
  : never;

/** What a method answers. */
export type MethodOutput<S extends DescService, K extends keyof S['method']> = S['method'][K] extends {
  output: infer O extends DescMessage;
}
  ? MessageShape<O>
  : never;

/** The clients of services that plugins serve beside the protocol's, on the connections that there are. */
const clients = new WeakMap<PluginClient, Map<DescService, GrpcClient<DescService>>>();

/** Calls a method of a service that a plugin serves beside the protocol's. Rejects with the gRPC error. */
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
  return call(input, { ...options, signal });
}

function clientOf<S extends DescService>(plugin: PluginClient, service: S): GrpcClient<DescService> {
  const known = clients.get(plugin) ?? new Map<DescService, GrpcClient<DescService>>();
  clients.set(plugin, known);
  let client = known.get(service);
  if (!client) {
    const channelOverride = plugin.grpcClient.getChannel();
    // Neither the address nor the credentials count, as the channel is there already.
    client = createGrpcClient<DescService>(service, 'kept', grpc.credentials.createInsecure(), { channelOverride });
    known.set(service, client);
  }
  return client;
}
