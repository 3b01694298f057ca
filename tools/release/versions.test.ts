import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { filesWithAnotherVersion, versionIn, writeVersion } from './versions.ts';

const repository = resolve(import.meta.dirname, '../..');

/** Copies the files that have a version. */
function copyOfVersions(): string {
  const root = mkdtempSync(join(tmpdir(), 'kplug-versions-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  const files = [
    'packages/*/package.json',
    'packages/*/src/version.ts',
    'packages/sdk-go/version.go',
    'charts/*/Chart.yaml',
  ];
  for (const file of globSync(files, { cwd: repository })) cpSync(join(repository, file), join(root, file));
  return root;
}

it('the sources and charts of this repository have the version of the packages', () => {
  expect(filesWithAnotherVersion(repository)).toEqual([]);
});

it('writes the version into sources and charts', () => {
  const root = copyOfVersions();
  const file = join(root, 'packages/sdk/package.json');
  writeFileSync(file, readFileSync(file, 'utf8').replace(/"version": ".*"/, '"version": "7.8.9"'));
  expect(versionIn(root)).toBe('7.8.9');
  expect(filesWithAnotherVersion(root)).toHaveLength(8);
  writeVersion(root, '7.8.9');
  expect(filesWithAnotherVersion(root)).toEqual([]);
  expect(readFileSync(join(root, 'charts/kplug/Chart.yaml'), 'utf8')).toMatch(
    /^version: 7\.8\.9\nappVersion: 7\.8\.9$/m,
  );
  expect(readFileSync(join(root, 'packages/sdk-go/version.go'), 'utf8')).toContain('const version = "7.8.9"');
});

it('refuses a source without a version', () => {
  const root = copyOfVersions();
  writeFileSync(join(root, 'packages/cli/src/version.ts'), '');
  expect(() => writeVersion(root, '7.8.9')).toThrow('packages/cli/src/version.ts has no line like');
});
