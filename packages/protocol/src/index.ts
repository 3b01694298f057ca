import './require-node.ts';

export { type BackOffOptions, backOffDelay, withJitter } from './back-off.ts';
/** Wire protocol of the first Kplug. */
export * as v0 from './gen/kplug/kplug_pb.ts';
export * from './gen/kplug/v1/delegation_pb.ts';
export * from './gen/kplug/v1/hosting_pb.ts';
export * from './gen/kplug/v1/plugin_pb.ts';
export * from './gen/kplug/v1/refusal_pb.ts';
export * from './gen/kplug/v1/registry_pb.ts';
export * from './gen/kplug/v1/resource_pb.ts';
export * from './gen/kplug/v1/security_pb.ts';
export {
  addService,
  type CallOptions,
  createGrpcClient,
  type GrpcClient,
  type GrpcHandlers,
  quietGrpc,
  type StreamOptions,
  type UnaryCallOptions,
} from './grpc.ts';
export { isServiceError, serviceError, tooLarge, toServiceError } from './grpc-errors.ts';
export { formatJson, isInt64, narrowInteger, narrowIntegers, parseJson, readNumber } from './json.ts';
export { localHostTowards } from './local-host.ts';
export { messageOf } from './message-of.ts';
export { addReflection } from './reflection.ts';
