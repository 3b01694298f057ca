import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A release whose pages are on the site. */
export interface Release {
  tag: string;
  /** Label in the selector, such as `1.2`. */
  version: string;
  /** Folder on the site; empty for the newest release, which is at the root. */
  folder: string;
}

/** Number of minor versions that are kept on the site. */
const maxReleases = 5;

/** Returns the releases of a site: the newest one of each minor version, newest first. Pre-releases have no pages. */
export function releasesOf(tags: readonly string[]): Release[] {
  const { compare } = new Intl.Collator('en', { numeric: true });
  const stable = tags.filter((tag) => /^v\d+\.\d+\.\d+$/.test(tag)).sort((one, other) => compare(other, one));
  const byMinor = Map.groupBy(stable, (tag) => tag.slice(1, tag.lastIndexOf('.')));
  return [...byMinor].slice(0, maxReleases).map(([version, [tag = '']], index) => ({
    tag,
    version,
    folder: index === 0 ? '' : version,
  }));
}

/** Settings of the whole site. */
export interface Site {
  /** Path at which the site is served, with slashes around it. */
  root: string;
  /** Address of the repository on the web. */
  repository: string;
  /** Folder to write the site to. */
  output: string;
}

/**
 * Assembles the site of several releases, with the list of versions that their selectors read.
 *
 * @param build builds the pages of a release, with the environment variables of `tools/site/main.ts`, and returns their folder.
 */
export function assembleSite(
  releases: readonly Release[],
  { root, repository, output }: Site,
  build: (release: Release, variables: Record<string, string>) => string,
): void {
  const pathOf = ({ folder }: Release) => (folder ? `${root}${folder}/` : root);
  mkdirSync(output, { recursive: true });
  for (const release of releases) {
    const pages = build(release, {
      KPLUG_SITE_BASE: pathOf(release),
      KPLUG_SITE_ROOT: root,
      KPLUG_SITE_VERSION: release.version,
      KPLUG_SITE_SOURCES: `${repository}/blob/${release.tag}`,
    });
    cpSync(pages, join(output, release.folder), { recursive: true });
  }
  const versions = releases.map((release) => ({ version: release.version, path: pathOf(release) }));
  writeFileSync(join(output, 'versions.json'), `${JSON.stringify(versions)}\n`);
}
