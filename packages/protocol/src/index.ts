import './require-node.ts';

export { type BackOffOptions, backOffDelay, withJitter } from './back-off.ts';
/** Wire protocol of the first Kplug. */
export * as v0 from './gen/kplug/kplug_pb.ts';
export * from './gen/kplug/v1/action_pb.ts';
export * from './gen/kplug/v1/activity_pb.ts';
export * from './gen/kplug/v1/attachment_pb.ts';
export * from './gen/kplug/v1/delegation_pb.ts';
export * from './gen/kplug/v1/event_pb.ts';
export * from './gen/kplug/v1/hosting_pb.ts';
export * from './gen/kplug/v1/load_pb.ts';
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
export { isPrintable, printable, printableJson, printableLines, printableOutput } from './printable.ts';
export { readMessage } from './read-message.ts';
export { addReflection } from './reflection.ts';
export { type ComposedDocument, type ComposeOptions, composeYaml } from './yaml/compose-yaml.ts';
export { locate } from './yaml/locate.ts';
export { readYaml, readYamlInSteps, setField, type YamlText } from './yaml/read-yaml.ts';
export { type AliasBounds, type YamlAnchor, YamlAnchors } from './yaml/yaml-anchors.ts';
export type { YamlBounds } from './yaml/yaml-extent.ts';
export { type YamlFault, YamlReadError, yamlFault } from './yaml/yaml-fault.ts';
