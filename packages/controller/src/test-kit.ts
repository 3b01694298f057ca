// Export path `@kplug/controller/testing`: an operator in the process of a test.
import './require-node.ts';

export {
  type Manifest,
  type ManifestMetadata,
  MemoryResources,
  type Persistence,
  type StoredResource,
} from './memory.ts';
export {
  type ExpectedCondition,
  OperatorTest,
  type OperatorTestOptions,
  type ServedPlugin,
  type TestedResource,
  type WaitOptions,
} from './operator-test.ts';
