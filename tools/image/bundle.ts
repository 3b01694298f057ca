import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { copyClosure, packagesIn, readPackageJson } from './install.ts';

/**
 * Packages that cannot be bundled, as they read files beside their own code, start workers from them, or have decorated classes, which
 * rolldown puts in a wrong order.
 */
const whole = ['@grpc/grpc-js', '@grpc/reflection', '@peculiar/x509', 'grpc-health-check', 'pino', 'reflect-metadata'];

/** Optional packages that others try to import. */
const optional = ['pg-cloudflare', 'pg-native'];

/**
 * Bundles the imports of a folder's program into few files, since loading hundreds of small ones takes most of the start. Dynamic
 * imports stay in files of their own, and the packages in `wanted` stay unbundled. The licences of all packages are kept in one file.
 */
export async function bundle(folder: string, main: string, wanted: readonly string[] = []): Promise<void> {
  const nodeModules = join(folder, 'node_modules');
  const bundled = join(folder, 'bundled');
  const bundler = await rolldown({ input: join(folder, main), platform: 'node', external: [...whole, ...optional] });
  await bundler.write({ dir: bundled, format: 'esm', entryFileNames: '[name].js', chunkFileNames: '[name].js' });
  await bundler.close();

  writeFileSync(join(folder, 'LICENSES'), licencesIn(nodeModules));
  const all = join(folder, 'all');
  renameSync(nodeModules, all);
  mkdirSync(nodeModules);
  const needed = whole.filter((name) => packagesIn(all).includes(name));
  copyClosure([...needed, ...wanted], all, nodeModules);
  for (const name of readdirSync(folder)) {
    if (!['LICENSES', 'node_modules', 'bundled', 'package.json'].includes(name))
      rmSync(join(folder, name), { recursive: true });
  }
  renameSync(bundled, join(folder, 'dist'));
}

/** Licences of all packages that include one. */
function licencesIn(nodeModules: string): string {
  const texts = packagesIn(nodeModules).map((name) => {
    const folder = join(nodeModules, name);
    const { version = '', license = '' } = readPackageJson(folder);
    const files = readdirSync(folder).filter((file) => /^(?:licen[cs]e|notice|copying)/i.test(file));
    const text = files.map((file) => readFileSync(join(folder, file), 'utf8').trim()).join('\n\n');
    return `${name} ${version}: ${license}\n\n${text}\n`;
  });
  return texts.join(`\n${'-'.repeat(80)}\n`);
}
