import './require-node.ts';

export {
  type CapabilityDefinition,
  type CapabilityOwner,
  type CapabilityTypes,
  defineCapability,
} from './define-capability.ts';
export { definePlugin, implementApi, type MultiApiPlugin, type Plugin, type Servable } from './define-plugin.ts';
export type { ServeOptions } from './environment.ts';
export { nameFrom } from './name-from.ts';
export {
  type MethodHandlers,
  type MethodRequest,
  type MethodResponse,
  type OwnApiImplementation,
  serveApi,
} from './own-api.ts';
export type {
  ApiDefinition,
  ApiImplementation,
  AssignedCapability,
  Dependent,
  Dependents,
  ExtensionShapes,
  Extensions,
  FinalizeInput,
  FinalizeResult,
  Message,
  Metadata,
  MultiApiDefinition,
  Operation,
  PluginCondition,
  PluginDefinition,
  PluginEvent,
  Progress,
  ProvidedCapability,
  Received,
  ReconcileInput,
  ReconcileResult,
  Required,
  RequiredResource,
  Requirement,
  ResourceShape,
  RuledDependent,
} from './plugin.ts';
export { PluginError, type PluginErrorCode, type PluginErrorOptions, retry, terminal } from './plugin-error.ts';
export type { RunningPlugin } from './running-plugin.ts';
export type { ServedService } from './served-service.ts';
