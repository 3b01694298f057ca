import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { nextVersion, parseChangeset, readChangesets, releaseNotes } from './changesets.ts';

const known = ['@kplug/sdk', '@kplug/cli'];

function changeset(text: string, name = 'one') {
  return parseChangeset(name, text, known);
}

const patch = changeset('---\n"@kplug/sdk": patch\n---\n\nA fault is mended.\n');
const minor = changeset('---\n"@kplug/sdk": patch\n"@kplug/cli": minor\n---\n\nA command\nis new.\n');
const major = changeset('---\n"@kplug/cli": major\n---\n\nA flag is removed.\n');

describe('the version after changesets', () => {
  it.each([
    ['0.0.0', [patch], '0.0.1'],
    ['0.1.4', [patch, minor], '0.2.0'],
    ['0.1.4', [minor, major, patch], '1.0.0'],
    ['1.2.3', [minor], '1.3.0'],
    ['1.2.3', [], undefined],
  ])('%s', (current, changesets, next) => {
    expect(nextVersion(current, changesets)).toBe(next);
  });
});

describe('a malformed changeset', () => {
  it.each([
    ['a package twice', '---\n"@kplug/sdk": minor\n"@kplug/sdk": minor\n---\n\nText.\n', /must be unique/],
    ['an unknown package', '---\n"@kplug/sdc": minor\n---\n\nText.\n', /names @kplug\/sdc, which is not a package/],
    ['an unknown increment', '---\n"@kplug/sdk": small\n---\n\nText.\n', /has @kplug\/sdk: small; write patch/],
    ['no description', '---\n"@kplug/sdk": minor\n---\n\n', /has no description/],
    ['no front matter', 'Text.\n', /has no front matter/],
  ])('with %s is refused', (_, text, message) => {
    expect(() => changeset(text)).toThrow(message);
  });

  it('is a problem that names its file', () => {
    const root = mkdtempSync(join(tmpdir(), 'kplug-changesets-'));
    onTestFinished(() => rmSync(root, { recursive: true }));
    for (const folder of ['.changeset', 'packages/sdk']) mkdirSync(join(root, folder), { recursive: true });
    writeFileSync(join(root, 'packages/sdk/package.json'), '{"name":"@kplug/sdk"}');
    writeFileSync(join(root, '.changeset/good.md'), '---\n"@kplug/sdk": minor\n---\n\nText.\n');
    writeFileSync(join(root, '.changeset/bad.md'), '---\n"@kplug/cli": minor\n---\n\nText.\n');
    const { changesets, problems } = readChangesets(root);
    expect(changesets.map(({ name }) => name)).toEqual(['good']);
    expect(problems).toEqual(['.changeset/bad.md: names @kplug/cli, which is not a package of this repository']);
  });
});

it('all changesets of this repository are well-formed', () => {
  expect(readChangesets(resolve(import.meta.dirname, '../..')).problems).toEqual([]);
});

it('release notes have the most important changes first', () => {
  expect(releaseNotes('1.0.0', [patch, minor, major])).toBe(`# Kplug 1.0.0

## Incompatible changes

- A flag is removed.

## New features

- A command
  is new.

## Corrections

- A fault is mended.
`);
});
