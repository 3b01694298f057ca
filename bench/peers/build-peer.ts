import { createHash } from 'node:crypto';
import { access, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { buildProgram, findGo } from '@kplug/testing/control-plane';
import { userCacheFolder } from '@kplug/testing/user-cache';

const source = join(import.meta.dirname, 'controller-runtime');

/**
 * Builds the peer that uses controller-runtime, and caches it by its sources in the user's cache folder. Returns `undefined` if Go is not
 * installed.
 */
export async function buildPeer(progress: (doing: string) => void): Promise<{ program: string } | undefined> {
  const hash = createHash('sha256');
  for (const file of (await readdir(source)).sort()) hash.update(await readFile(join(source, file)));
  const folder = join(userCacheFolder(), 'bench');
  const program = join(folder, `controller-runtime-${hash.digest('hex').slice(0, 16)}`);
  const isBuilt = await access(program).then(
    () => true,
    () => false,
  );
  if (isBuilt) return { program };
  const go = await findGo();
  if (!go) return undefined;
  progress(`building the controller with controller-runtime with ${go} for the first time`);
  await mkdir(folder, { recursive: true });
  const staging = `${program}.${process.pid}`;
  try {
    await buildProgram({ source, target: '.', flags: '-s -w', output: staging }, progress);
    await rename(staging, program);
  } finally {
    await rm(staging, { force: true });
  }
  return { program };
}
