import { globSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { images } from './image/images.ts';
import { readPackageJson } from './image/install.ts';
import { type Bom, bomOf, onlyNeededBy } from './sbom/bom.ts';

/**
 * `pnpm sbom:write`: writes a CycloneDX SBOM for each published package and for each image into `dist/sbom`. It lists the packages of the
 * lockfile, with versions, licenses and checksums. The same sources give the same bytes. The operating system and Node.js of an image
 * are listed by the attestation that `docker buildx bake` adds.
 */
const folder = join('dist', 'sbom');

interface Subject {
  file: string;
  package: string;
  type: 'library' | 'application';
  /** Packages that the subject needs. Default: all dependencies of the package. */
  needed?: readonly string[] | undefined;
  hasOptional: boolean;
}

const published = globSync('packages/*/package.json')
  .map((file) => readPackageJson(dirname(file)))
  .filter(({ publishConfig }) => publishConfig !== undefined);

const subjects: Subject[] = [
  ...published.map(({ name }): Subject => {
    return { file: name.replace('@', '').replace('/', '-'), package: name, type: 'library', hasOptional: true };
  }),
  ...images.map(({ name, package: { name: packageName }, dependencies, native = false }): Subject => {
    const file = `image-${name}`;
    return { file, package: packageName, type: 'application', needed: dependencies, hasOptional: native };
  }),
];

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
const known = new Map<string, Bom>();
for (const { file, needed, ...subject } of subjects) {
  const key = JSON.stringify(subject);
  const bom = known.get(key) ?? bomOf(subject);
  known.set(key, bom);
  const path = join(folder, `${file}.cdx.json`);
  writeFileSync(path, `${JSON.stringify(needed ? onlyNeededBy(bom, needed) : bom, null, 2)}\n`);
  console.log(path);
}
