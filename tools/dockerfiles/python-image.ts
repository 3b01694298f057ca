import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../image/run.ts';
import { findPython } from '../python/find-python.ts';
import { type Builder, buildImage } from './builder.ts';

/** Builds an image that has the Python of this machine, for builders without a registry to pull one from. Returns its name. */
export async function buildPythonImage(builder: Builder): Promise<string> {
  const name = 'kplug-try/python:local';
  const context = mkdtempSync(join(tmpdir(), 'kplug-python-image-'));
  try {
    const python = await findPython();
    const [prefix = '', library = ''] = run(python, [
      '-c',
      'import sys, os; print(sys.base_prefix); print(os.path.dirname(os.__file__))',
    ]).split('\n');
    const lib = join(context, 'python/lib');
    mkdirSync(join(context, 'python/bin'), { recursive: true });
    cpSync(realpathSync(join(prefix, 'bin/python3')), join(context, 'python/bin/python3'));
    cpSync(library, join(lib, library.split('/').at(-1) ?? ''), {
      recursive: true,
      filter: (path) => !/\/(?:site-packages|test|__pycache__|config-[^/]*)$/.test(path),
    });
    for (const file of sharedLibraries(join(context, 'python')))
      cpSync(realpathSync(file), join(lib, file.split('/').at(-1) ?? ''));
    const lines = [
      'FROM debian:bookworm-slim',
      'COPY python /usr/local',
      'ENV LD_LIBRARY_PATH=/usr/local/lib',
      'RUN python3 -m ensurepip',
    ];
    writeFileSync(join(context, 'Dockerfile'), `${lines.join('\n')}\n`);
    await buildImage(builder, ['--tag', name, context], 'building an image with Python');
    return name;
  } finally {
    rmSync(context, { recursive: true, force: true });
  }
}

/** Shared libraries of a Python, besides those of the C library. */
function sharedLibraries(folder: string): string[] {
  const output = run('sh', ['-c', `ldd ${folder}/bin/python3 ${folder}/lib/python3.*/lib-dynload/*.so`]);
  const files = [...output.matchAll(/=> (\/\S+)/g)].map(([, file = '']) => file);
  return [...new Set(files)].filter((file) => !/\/(?:libc|libm|libdl|libpthread|librt|libutil)\.so/.test(file));
}
