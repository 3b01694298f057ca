import { createHash } from 'node:crypto';
import { access, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { buildProgram, cacheFolder, findGo } from '@kplug/testing/control-plane';

const source = join(import.meta.dirname, 'controller-runtime');

/**
 * The peer that is written with controller-runtime, built once for its sources and kept in the user's cache; nothing where there
 * is no Go to build it with.
 */
export async function buildPeer(progress: (doing: string) => void): Promise<{ program: string } | undefined> {
  const hash = createHash('sha256');
  for (const file of (await readdir(source)).sort()) hash.update(await readFile(join(source, file)));
  const folder = join(cacheFolder(), 'bench');
  const program = join(folder, `controller-runtime-${hash.digest('hex').slice(0, 16)}`);
  const isBuilt = await access(program).then(
    () => true,
    () => false,
  );
  if (isBuilt) return { program };
  const go = await findGo();
  if (!go) return undefined;
  progress(`building the controller of controller-runtime with ${go}, once`);
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
