import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { goProxyProgram, goSdk, goVariables } from './go.ts';

const execute = promisify(execFile);

/** Version of the SDK in Go in a module proxy of files. */
export interface PublishedGoSdk {
  /** Path and version, for `go mod edit -require`. */
  requirement: string;
  /** Environment variables of Go commands that download it. */
  env: NodeJS.ProcessEnv;
}

/**
 * Writes the SDK in Go, as it is now, into a folder with the layout of a module proxy. Its version is different for each content, as Go
 * keeps every version in its module cache.
 */
export async function publishGoSdk(folder: string, version = `v0.0.0-dev.${digest()}`): Promise<PublishedGoSdk> {
  await writeGoModule({ source: goSdk, version, folder });
  const { stdout } = await execute('go', ['env', 'GOPROXY']);
  return {
    requirement: `kplug.dev/sdk-go@${version}`,
    // The checksum database knows public modules only.
    env: { ...goVariables, GOPROXY: `${pathToFileURL(folder).href},${stdout.trim()}`, GONOSUMDB: 'kplug.dev/*' },
  };
}

/** Writes one version of a module into a folder with the layout of a module proxy. */
export async function writeGoModule(module: { source: string; version: string; folder: string }): Promise<void> {
  await execute(
    'go',
    ['-C', goProxyProgram, 'run', '.', resolve(module.source), module.version, resolve(module.folder)],
    {
      env: { ...process.env, ...goVariables },
    },
  );
}

/** Digest of all files of the module. */
function digest(): string {
  const hash = createHash('sha256');
  const files = globSync('**/*', { cwd: goSdk, withFileTypes: true }).filter((entry) => entry.isFile());
  for (const path of files.map(({ parentPath, name }) => join(parentPath, name)).sort())
    hash.update(path).update(readFileSync(path));
  return hash.digest('hex').slice(0, 12);
}
