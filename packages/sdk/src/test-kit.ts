// Export path `@kplug/sdk/testing`: calls a plugin in the process of a test, without an operator and without sockets.
import './require-node.ts';

export { assertOutcome } from './test-kit/assert-outcome.ts';
export type {
  FinalizeTestInput,
  Partially,
  ReconcileTestInput,
  TestCapability,
  TestExtension,
  TestManifest,
  TestMetadata,
  TestOperation,
  TestResource,
} from './test-kit/test-input.ts';
export { type PluginTest, type PluginTestOptions, testPlugin } from './test-kit/test-plugin.ts';
export type {
  FinalizeTestResult,
  ReconcileTestResult,
  ReportedEvent,
  ReportedMessage,
  ReportedProgress,
  TestOutcome,
} from './test-kit/test-result.ts';
