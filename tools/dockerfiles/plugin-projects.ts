import { writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { run } from '../image/run.ts';
import { goVariables } from '../languages/go.ts';
import { runWithProgress } from '../languages/run-with-progress.ts';
import type { ReleaseRegistry } from './release-registry.ts';

/** Languages of the plugin template. */
export const languages = ['typescript', 'python', 'go'] as const;
type Language = (typeof languages)[number];

/** Project that `kplug init plugin` generates, ready for the build of its image. */
export interface PluginProject {
  language: Language;
  /** Name of the plugin. */
  name: string;
  kind: string;
  group: string;
  folder: string;
  image: string;
}

const main = resolve(import.meta.dirname, '../../packages/cli/src/main.ts');

/** Generates a project in each of some languages, and locks its dependencies as its user does. */
export async function makeProjects(
  folder: string,
  registry: ReleaseRegistry,
  wanted: readonly Language[],
): Promise<PluginProject[]> {
  const projects: PluginProject[] = [];
  for (const language of wanted) {
    const name = `In${language[0]?.toUpperCase()}${language.slice(1)}`;
    const image = `kplug-try/${language}`;
    const project = {
      language,
      name,
      kind: `${name}Plan`,
      group: `${language}.example.org`,
      folder: join(folder, language),
    };
    const names = ['--name', name, '--kind', project.kind, '--group', project.group, '--image', image];
    run('node', [main, 'init', 'plugin', project.folder, '--language', language, '--yes', ...names]);
    const made = { ...project, image: `${image}:0.1.0` };
    await lock(made, registry);
    projects.push(made);
  }
  return projects;
}

/** Writes the lock files from which the image is built. The packages of the registry have the version of the release. */
async function lock({ language, folder }: PluginProject, registry: ReleaseRegistry): Promise<void> {
  if (language === 'typescript') {
    await lockPackages(folder, registry, ['sdk', 'cli']);
  } else if (language === 'go') {
    const cache = join(folder, '../go-modules');
    const modules = run('go', ['env', 'GOMODCACHE']).trim();
    const GOPROXY = `${registry.url('go')},file://${modules}/cache/download`;
    const env = { ...goVariables, GOFLAGS: '-modcacherw', GOMODCACHE: cache, GOPROXY, GONOSUMDB: 'kplug.dev/*' };
    await lockWith('go', ['mod', 'edit', `-require=kplug.dev/sdk-go@v${registry.version}`], folder);
    await lockWith('go', ['mod', 'tidy'], folder, env);
  }
}

/** Writes the lock file of npm of a project, with packages of this repository in the version of the release. */
export async function lockPackages(folder: string, registry: ReleaseRegistry, names: readonly string[]): Promise<void> {
  const wanted = names.map((name) => `@kplug/${name}@${registry.version}`);
  const options = ['--package-lock-only', '--no-audit', '--no-fund', '--registry', registry.url('npm')];
  await lockWith('npm', ['install', ...options, ...wanted], folder);
}

async function lockWith(program: string, args: string[], folder: string, env: NodeJS.ProcessEnv = {}): Promise<void> {
  const title = `locking ${basename(folder)}`;
  await runWithProgress({ program, args, cwd: folder, env, title }, (message) => console.error(message));
}

/**
 * Arguments of the build of a project's image, with the registry as the mirror. pip gets its configuration as a secret, with the certificates of
 * the image, which may have that of a proxy.
 */
export function buildArguments(
  project: PluginProject,
  registry: ReleaseRegistry,
  python: string | undefined,
): string[] {
  const { language, folder, image } = project;
  const argument = (name: string, value: string) => ['--build-arg', `${name}=${value}`];
  const own: string[] = [];
  if (language === 'typescript') own.push(...argument('NPM_CONFIG_REGISTRY', registry.url('npm')));
  if (language === 'go') own.push(...argument('MODULE_PROXY', registry.url('go')));
  if (language === 'python') {
    const configuration = join(folder, '../pip.conf');
    writeFileSync(configuration, '[global]\ncert = /etc/ssl/certs/ca-certificates.crt\n');
    own.push(...argument('PIP_INDEX_URL', registry.url('python')), '--secret', `id=pip,src=${configuration}`);
    if (python) own.push(...argument('PYTHON', python));
  }
  return [...own, '--tag', image, folder];
}
