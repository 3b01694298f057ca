// Export path `@kplug/controller/directory`: resources in the files of a directory.
import './require-node.ts';

export type { DeletionLimits } from './resources/directory/deletion-guard.ts';
export type { DirectoryResources } from './resources/directory/directory-resources.ts';
export { type FoundManifestFiles, findManifestFiles } from './resources/directory/find-manifest-files.ts';
export type { PendingDeletion } from './resources/directory/held-deletions.ts';
export { type DirectoryOptions, openDirectory } from './resources/directory/open-directory.ts';
export { type DirectoryProblemListener, formatProblem } from './resources/directory/problem-list.ts';
export {
  confirmDeletions,
  type DirectoryView,
  readConfirmationOutcome,
  readDirectory,
} from './resources/directory/read-directory.ts';
export type { ManifestProblem } from './resources/manifest.ts';
