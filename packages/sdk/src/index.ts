export { definePlugin, type Plugin } from './define-plugin.ts';
export type { ServeOptions } from './environment.ts';
export type {
  ApiDefinition,
  ExtensionShapes,
  Extensions,
  FinalizeInput,
  FinalizeResult,
  Metadata,
  PluginCondition,
  PluginDefinition,
  PluginEvent,
  Received,
  ReconcileInput,
  ReconcileResult,
  Remark,
  ResourceShape,
} from './plugin.ts';
export { PluginError, type PluginErrorCode, type PluginErrorOptions, retry, terminal } from './plugin-error.ts';
export type { RunningPlugin } from './running-plugin.ts';
