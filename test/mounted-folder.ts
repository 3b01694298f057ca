import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** Folder whose files are replaced together by the swap of a symbolic link, as kubelets do it. */
export interface MountedFolder {
  path(name: string): string;
  /** Replaces files, and keeps the others. */
  write(files: Record<string, string>): Promise<void>;
}

/** Creates a folder. It is removed when the test ends. */
export async function mountedFolder(): Promise<MountedFolder> {
  const directory = await mkdtemp(join(tmpdir(), 'kplug-credentials-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  let versions = 0;
  let written: Record<string, string> = {};
  return {
    path: (name) => join(directory, '..data', name),
    write: async (files) => {
      written = { ...written, ...files };
      const version = `version-${++versions}`;
      await mkdir(join(directory, version));
      for (const [name, content] of Object.entries(written)) await writeFile(join(directory, version, name), content);
      await symlink(version, join(directory, 'next'));
      await rename(join(directory, 'next'), join(directory, '..data'));
    },
  };
}
