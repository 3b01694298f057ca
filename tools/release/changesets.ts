import { globSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { inc } from 'semver';
import { parse } from 'yaml';

const bumps = ['patch', 'minor', 'major'] as const;
type Bump = (typeof bumps)[number];

/** Change that is not released yet, described by a file in `.changeset`. */
export interface Changeset {
  /** Name of the file, without its extension. */
  name: string;
  /** Increment of the version by package. */
  packages: ReadonlyMap<string, Bump>;
  /** Description for users, in Markdown. */
  summary: string;
}

/** Changesets of a tree, and the problems of the files that cannot be read. */
export interface Changesets {
  changesets: Changeset[];
  problems: string[];
}

/** Reads the changesets of a tree. Each malformed one is a problem with the name of its file. */
export function readChangesets(root: string): Changesets {
  const packages = globSync('packages/*/package.json', { cwd: root }).map((file) => packageName(join(root, file)));
  const changesets: Changeset[] = [];
  const problems: string[] = [];
  for (const file of globSync('.changeset/*.md', { cwd: root }).sort()) {
    if (basename(file) === 'README.md') continue;
    try {
      changesets.push(parseChangeset(basename(file, '.md'), readFileSync(join(root, file), 'utf8'), packages));
    } catch (error) {
      problems.push(`${join(dirname(file), basename(file))}: ${(error as Error).message}`);
    }
  }
  return { changesets, problems };
}

function packageName(file: string): string {
  return (JSON.parse(readFileSync(file, 'utf8')) as { name: string }).name;
}

/** Parses a changeset. Throws when it is malformed or names a package that is not in `known`. */
export function parseChangeset(name: string, text: string, known: readonly string[]): Changeset {
  const [, front, summary] = /^---\n(.*?)^---\n(.*)$/ms.exec(text) ?? [];
  if (front === undefined || summary === undefined) throw new Error('has no front matter between two lines "---"');
  const packages = new Map(Object.entries((parse(front) ?? {}) as Record<string, Bump>));
  for (const [one, bump] of packages) {
    if (!known.includes(one)) throw new Error(`names ${one}, which is not a package of this repository`);
    if (!bumps.includes(bump)) throw new Error(`has ${one}: ${bump}; write patch, minor or major`);
  }
  if (summary.trim() === '') throw new Error('has no description');
  return { name, packages, summary: summary.trim() };
}

/** Returns the version of all packages after the changesets; `undefined` without changesets. */
export function nextVersion(current: string, changesets: readonly Changeset[]): string | undefined {
  const wanted = changesets.flatMap(({ packages }) => [...packages.values()]);
  const highest = bumps.findLast((bump) => wanted.includes(bump));
  if (!highest) return undefined;
  return inc(current, highest) ?? undefined;
}

/** Release notes in Markdown: the descriptions of all changesets, by the highest increment, then by name. */
export function releaseNotes(version: string, changesets: readonly Changeset[]): string {
  const titles: Record<Bump, string> = {
    major: 'Incompatible changes',
    minor: 'New features',
    patch: 'Corrections',
  };
  const sections = bumps.toReversed().flatMap((bump) => {
    const own = changesets.filter(({ packages }) => highestOf(packages) === bump);
    if (own.length === 0) return [];
    return [`## ${titles[bump]}`, ...own.map(({ summary }) => `- ${summary.replaceAll('\n', '\n  ')}`)];
  });
  return `${[`# Kplug ${version}`, ...sections].join('\n\n')}\n`;
}

function highestOf(packages: ReadonlyMap<string, Bump>): Bump | undefined {
  return bumps.findLast((bump) => [...packages.values()].includes(bump));
}
