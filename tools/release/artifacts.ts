import { cpSync, globSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { findHelm } from '../charts/find-helm.ts';
import { run } from '../image/run.ts';
import { writeGoModule } from '../languages/go-proxy.ts';
import { installPython } from '../python/environment.ts';
import { type Home, writeHome } from './home.ts';
import { goImportPage } from './publish.ts';
import { publishedFolders } from './published-packages.ts';

/** Release whose artifacts are built. */
export interface Release {
  version: string;
  home: Home;
  /** Tree of the version, with installed dependencies. It is changed. */
  tree: string;
  /** Folder of the artifacts. */
  to: string;
}

/** Kind of artifacts, each in a folder of its own, and the function that builds them. */
export interface Part {
  name: string;
  build: (release: Release, progress: (message: string) => void) => Promise<void> | void;
}

const pnpm = ['-y', 'pnpm@12'];

/** All parts of a release, in the order in which they are built. */
export const parts: readonly Part[] = [
  { name: 'npm', build: packNpm },
  { name: 'python', build: packPython },
  { name: 'go', build: packGo },
  { name: 'charts', build: packCharts },
  { name: 'sbom', build: writeSboms },
];

/** Removes the artifacts of an earlier run, and names the home of the release in the tree. */
export function beginArtifacts({ tree, home, to }: Release): void {
  rmSync(to, { recursive: true, force: true });
  mkdirSync(to, { recursive: true });
  writeHome(tree, home, publishedFolders(tree));
}

function packNpm({ tree, to }: Release): void {
  run('npx', [...pnpm, 'build'], { cwd: tree });
  const folder = resolve(to, 'npm');
  for (const one of publishedFolders(tree))
    run('npx', [...pnpm, 'pack', '--pack-destination', folder], { cwd: join(tree, one) });
}

/** Builds the sdist, and the wheel from it. */
async function packPython({ tree, to }: Release, progress: (message: string) => void): Promise<void> {
  const python = await installPython(progress);
  run(python, ['-m', 'build', '--no-isolation', '--outdir', resolve(to, 'python'), join(tree, 'packages/sdk-python')]);
}

/** Writes the module as a proxy has it, and the page that leads `go get` to the repository. */
async function packGo({ version, home, tree, to }: Release): Promise<void> {
  await writeGoModule({ source: join(tree, 'packages/sdk-go'), version: `v${version}`, folder: join(to, 'go') });
  writeFileSync(join(to, 'go/go-import.html'), goImportPage(home));
}

async function packCharts({ version, tree, to }: Release, progress: (message: string) => void): Promise<void> {
  const helm = await findHelm(progress);
  for (const chart of globSync('charts/*/Chart.yaml', { cwd: tree }).map(dirname).sort())
    run(helm, ['package', join(tree, chart), '--version', version, '--destination', join(to, 'charts')]);
}

function writeSboms({ tree, to }: Release): void {
  run('node', ['tools/sbom.ts'], {
    cwd: tree,
    env: { ...process.env, PATH: `${join(tree, 'node_modules/.bin')}:${process.env.PATH}` },
  });
  cpSync(join(tree, 'dist/sbom'), join(to, 'sbom'), { recursive: true });
}
