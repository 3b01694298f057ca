import { createHash } from 'node:crypto';
import {
  copyFileSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { bundle } from './image/bundle.ts';
import { buildPackages, compileEntry, copyBuilt } from './image/compile.ts';
import { type ImageDefinition, images } from './image/images.ts';
import { copyClosure, installPackage, readPackageJson } from './image/install.ts';
import { applyPublishConfig, listFiles, removeSuperfluous, resetTimes } from './image/slim.ts';
import { addWheel } from './image/wheel.ts';

/**
 * `pnpm build:image [NAME…]`: builds `dist/image/NAME/` for each image, or for the named ones. Each is a folder that runs with
 * `node FOLDER`: JavaScript and the locked production dependencies, bundled into few files. The same sources give the same bytes.
 */
const names = process.argv.slice(2);
const unknown = names.filter((name) => !images.some((image) => image.name === name));
if (unknown.length > 0) {
  console.error(`unknown image ${unknown.join(', ')}; the images are ${images.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}

const scratch = mkdtempSync(join(tmpdir(), 'kplug-image-'));
try {
  buildPackages();
  for (const image of images) {
    if (names.length === 0 || names.includes(image.name)) console.log(describe(await build(image)));
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

async function build(image: ImageDefinition): Promise<string> {
  const folder = join('dist', 'image', image.name);
  const nodeModules = join(folder, 'node_modules');
  const source = image.package.folder;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(nodeModules, { recursive: true });

  const { name, version = '0.0.0', license = 'Apache-2.0', dependencies = {} } = readPackageJson(source);
  const installed = join(installPackage(image, scratch), 'node_modules');
  copyClosure(image.dependencies ?? Object.keys(dependencies), installed, nodeModules);
  applyPublishConfig(nodeModules);
  const isBuilt = image.entry.startsWith('src/');
  if (isBuilt) copyBuilt(source, folder);
  else compileEntry(source, image.entry, scratch, folder);
  removeSuperfluous(folder);

  const compiled = image.entry.replace(/^src\//, 'dist/').replace(/\.ts$/, '.js');
  const main = image.native ? compiled : `dist/${basename(compiled)}`;
  const packageJson = { name, version, license, private: true, type: 'module', main };
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(packageJson, null, 2)}\n`);
  if (!image.native) await bundle(folder, compiled, image.whole);
  for (const file of image.files ?? []) copyFileSync(join(source, file), join(folder, basename(file)));
  if (image.wheel) await addWheel(image.wheel, { source, scratch, folder });
  resetTimes(folder);
  return folder;
}

/** Summary of an image in one line: its size, and a digest of all names, modes and bytes. */
function describe(folder: string): string {
  const hash = createHash('sha256');
  const files = listFiles(folder);
  let bytes = 0;
  for (const file of files) {
    const stats = lstatSync(join(folder, file));
    const content = stats.isSymbolicLink() ? readlinkSync(join(folder, file)) : readFileSync(join(folder, file));
    hash.update(`${file}\0${stats.mode.toString(8)}\0${content.length}\0`).update(content);
    bytes += content.length;
  }
  const size = `${(bytes / 1e6).toFixed(1)} MB in ${files.length} files`;
  return `${folder}  ${size}  sha256:${hash.digest('hex')}`;
}
