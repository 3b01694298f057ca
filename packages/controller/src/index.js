export { isAnswerMissing } from './clients/v0/missing-answer.js';
export { Controller } from './controller.js';
export { delegationSchema } from './delegation/declaration.js';
export { KplugError } from './errors.js';
export { openDirectory } from './resources/directory/open-directory.js';
export { formatProblem } from './resources/directory/problem-list.js';
export { readDirectory } from './resources/directory/read-directory.js';
export { openClusterReader, openKubernetes } from './resources/kubernetes/open-kubernetes.js';
export { parseManifests } from './resources/manifest.js';
export { MemoryResources } from './resources/memory/memory-resources.js';
export { formatKey, keyOf, parseKey } from './resources/resource.js';
export { parseDuration } from './settings/duration.js';
// For those who run plugins from a folder.
export { DownloadFailure } from './supervisor/download/download-failure.js';
export { fetchPlugin } from './supervisor/download/install.js';
export { parsePluginList } from './supervisor/download/item.js';
// For tools that try a plugin without an operator.
export { askPlugin, assumePlugin, renderPass } from './tools/render.js';
//# sourceMappingURL=index.js.map
