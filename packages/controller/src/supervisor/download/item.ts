import { KplugError } from '../../errors.ts';
import { withoutCredentials } from './credentials.ts';

/** Plugin to download: a release of a repository. */
export interface PluginItem {
  /** Item as the user wrote it. */
  text: string;
  organization: string;
  repository: string;
  release: string;
  /** Required SHA-256 of the archive, in lower-case hex. */
  sha256?: string;
}

const part = '[A-Za-z0-9][A-Za-z0-9._-]*';
const pattern = new RegExp(`^(${part})/(${part})@([A-Za-z0-9][A-Za-z0-9._+-]*)(?:#sha256:([0-9a-fA-F]{64}))?$`);

/** Parses a list of plugins: `<org>/<repository>@<release>[#sha256:<hex>]`, separated by commas. Throws `InvalidConfiguration`. */
export function parsePluginList(text: string): PluginItem[] {
  const items = text
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean)
    .map(parsePluginItem);
  for (const [index, item] of items.entries()) {
    const isTwice = items.findIndex((other) => folderNameOf(other) === folderNameOf(item)) !== index;
    if (isTwice) throw invalid(`${item.organization}/${item.repository} is in the list of plugins twice; remove one`);
  }
  return items;
}

/** Parses one item. Throws `InvalidConfiguration`. */
export function parsePluginItem(text: string): PluginItem {
  const [, organization, repository, release, sha256] = pattern.exec(text) ?? [];
  if (!organization || !repository || !release) {
    throw invalid(
      `"${withoutCredentials(text)}" is not a plugin to download; use ORG/REPOSITORY@RELEASE, optionally with #sha256: and 64 hex digits`,
    );
  }
  return { text, organization, repository, release, ...(sha256 ? { sha256: sha256.toLowerCase() } : {}) };
}

/** Returns the name of a downloaded plugin in the plugins folder, which is the same for all releases. */
export function folderNameOf({ organization, repository }: PluginItem): string {
  return `${organization}.${repository}`;
}

function invalid(message: string): KplugError {
  return new KplugError('InvalidConfiguration', message);
}
