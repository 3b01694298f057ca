/** The wire protocol of the first Kplug. */
export * as v0 from './gen/kplug/kplug_pb.ts';
export * from './gen/kplug/v1/delegation_pb.ts';
export * from './gen/kplug/v1/hosting_pb.ts';
export * from './gen/kplug/v1/plugin_pb.ts';
export * from './gen/kplug/v1/registry_pb.ts';
export * from './gen/kplug/v1/resource_pb.ts';
export {
  addService,
  type CallOptions,
  createGrpcClient,
  type GrpcClient,
  type GrpcHandlers,
  isServiceError,
  messageOf,
  quietGrpc,
  serviceError,
  type UnaryCallOptions,
} from './grpc.ts';
export { localHostTowards } from './local-host.ts';
export { addReflection } from './reflection.ts';
