/** Messages and services that browsers use, without the codecs for grpc-js and the check of Node.js, and what makes texts safe to show. */
export * from './gen/kplug/v1/action_pb.ts';
export * from './gen/kplug/v1/activity_pb.ts';
export * from './gen/kplug/v1/delegation_pb.ts';
export * from './gen/kplug/v1/event_pb.ts';
export * from './gen/kplug/v1/hosting_pb.ts';
export * from './gen/kplug/v1/load_pb.ts';
export * from './gen/kplug/v1/refusal_pb.ts';
export * from './gen/kplug/v1/registry_pb.ts';
export * from './gen/kplug/v1/resource_pb.ts';
export * from './gen/kplug/v1/security_pb.ts';
export { printable, printableLines } from './printable-text.ts';
