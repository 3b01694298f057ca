// Export path `@kplug/controller/memory`: resources in memory, for tests and tools.
import './require-node.ts';

export type { Manifest, ManifestMetadata } from './resources/check-manifest.ts';
export { MemoryResources } from './resources/memory/memory-resources.ts';
export type { Persistence, StoredResource } from './resources/memory/persistence.ts';
