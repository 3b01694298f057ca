import { spawnSync } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { type Home, homeOf } from './home.ts';
import { versionIn } from './versions.ts';

/**
 * `node tools/release/publish.ts PART ARGUMENTS`: publishes one part of a release. The release workflow runs it with the rights to
 * publish, and `release --dry-run` runs the same commands with local registries. It imports no package, as no dependency of this repository
 * may run with these rights.
 */
export interface Command {
  program: string;
  args: string[];
  /** Environment variables added to those of this process. */
  env?: Record<string, string>;
}

/** Publishes npm packages, with their provenance. Pre-releases don't become `latest`. */
export function npmCommands(version: string, tarballs: readonly string[]): Command[] {
  const tag = version.includes('-') ? ['--tag', 'next'] : [];
  return tarballs.map((file) => ({
    program: 'npm',
    args: ['publish', file.startsWith('/') ? file : `./${file}`, '--access', 'public', '--provenance', ...tag],
  }));
}

/** Pushes packaged charts to an OCI registry. */
export function chartCommands(registry: string, archives: readonly string[], helm = 'helm'): Command[] {
  return archives.map((file) => ({ program: helm, args: ['push', file, `oci://${registry}/charts`] }));
}

/** Builds and pushes the images of docker-bake.hcl, which asks for an SBOM and the provenance of each. */
export function imageCommands(version: string, { registry }: Home): Command[] {
  const env = { REGISTRY: registry, TAG: version };
  return [{ program: 'docker', args: ['buildx', 'bake', '--push', 'release'], env }];
}

/** Name of the Go module's tag, which Go requires for a module in a folder of a repository. */
export function goTagOf(version: string): string {
  return `packages/sdk-go/v${version}`;
}

/** Tags the checked-out commit as a version of the Go module, and pushes the tag. */
export function goCommands(version: string): Command[] {
  const tag = goTagOf(version);
  return [
    { program: 'git', args: ['tag', tag] },
    { program: 'git', args: ['push', 'origin', `refs/tags/${tag}`] },
  ];
}

/**
 * Page that https://kplug.dev/sdk-go has to serve: it names the repository of the Go module, and its folder there, which Go 1.25 and newer
 * read.
 */
export function goImportPage(
  { repository }: Pick<Home, 'repository'>,
  url = `https://github.com/${repository}`,
): string {
  const content = `kplug.dev/sdk-go git ${url} packages/sdk-go`;
  return `<!doctype html>\n<title>kplug.dev/sdk-go</title>\n<meta name="go-import" content="${content}">\n`;
}

/** Runs commands one after the other and shows their output. Throws when one fails. */
export function runAll(commands: readonly Command[], cwd = '.'): void {
  for (const { program, args, env } of commands) {
    console.log(`$ ${[program, ...args].join(' ')}`);
    const { status, error } = spawnSync(program, args, { cwd, env: { ...process.env, ...env }, stdio: 'inherit' });
    if (error || status !== 0)
      throw new Error(`${program} ${args[0]} failed`, { cause: error ?? `exit code ${status}` });
  }
}

/** Commands of a part. The workflow sets the variables. Throws when the tag is not that of the checked-out version. */
function commandsOf(part: string | undefined, files: readonly string[]): Command[] {
  const { GITHUB_REPOSITORY: repository = '', GITHUB_REF_NAME: tag = '' } = process.env;
  const version = versionIn('.');
  if (tag !== `v${version}`) throw new Error(`the tag ${tag} is not that of the packages, whose version is ${version}`);
  const home = homeOf(repository);
  switch (part) {
    case 'check':
      return [];
    case 'npm':
      return npmCommands(version, files);
    case 'charts':
      return chartCommands(home.registry, files);
    case 'images':
      return imageCommands(version, home);
    case 'go':
      return goCommands(version);
    default:
      throw new Error('usage: node tools/release/publish.ts check | npm FILE… | charts FILE… | images | go');
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [part, ...files] = process.argv.slice(2);
  try {
    runAll(commandsOf(part, files));
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
  }
}
