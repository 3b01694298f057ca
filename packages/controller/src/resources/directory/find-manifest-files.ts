import { join } from 'node:path';
import type { ManifestProblem } from '../manifest.ts';
import { listManifestFiles } from './list-manifest-files.ts';

/** Manifest files of a directory, by path. */
export interface FoundManifestFiles {
  /** Paths that begin with that of the directory, in order. */
  files: string[];
  /** Folders that can't be read, and links to files that don't exist. */
  problems: ManifestProblem[];
}

/**
 * Finds the manifest files of a directory and its sub-folders, as an operator of that directory does. Skips names with a leading dot. Rejects
 * with the error of the system when the directory can't be read.
 */
export async function findManifestFiles(directory: string): Promise<FoundManifestFiles> {
  const { files, unreadable, dangling } = await listManifestFiles(directory);
  const problems = [
    ...[...unreadable].map(([path, reason]) => ({ path, message: `The folder can't be read: ${reason}.` })),
    ...[...dangling].map((path) => ({ path, message: 'The file is a link to a missing file.' })),
  ];
  return {
    files: [...files.keys()].sort().map((path) => join(directory, path)),
    problems: problems.map(({ path, message }) => ({ file: join(directory, path), message })),
  };
}
