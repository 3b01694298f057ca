import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { publishGoSdk } from '../languages/go-proxy.ts';
import { versionIn } from '../release/versions.ts';
import { execute } from './shell.ts';

const repository = resolve(import.meta.dirname, '../..');

/**
 * Publishes the SDK in Go into a folder, in the version of this repository, and returns the variables by which Go finds it there. Modules of
 * others come from the cache of this machine where it has them. The SDK is kept apart from the same version there.
 */
export async function publishGo(folder: string): Promise<NodeJS.ProcessEnv> {
  const { env } = await publishGoSdk(join(folder, 'proxy'), `v${versionIn(repository)}`);
  const { stdout: cache } = await execute('go', ['env', 'GOMODCACHE']);
  const [own, ...others] = (env.GOPROXY ?? '').split(',');
  return {
    GOPROXY: [own, pathToFileURL(join(cache.trim(), 'cache/download')).href, ...others].join(','),
    GONOSUMDB: env.GONOSUMDB,
    GOMODCACHE: join(folder, 'modules'),
    GOFLAGS: '-modcacherw',
  };
}
