import { KplugError } from '../../errors.ts';

/** A plugin to be fetched: a release of a repository. */
export interface PluginItem {
  /** As it was written. */
  text: string;
  organization: string;
  repository: string;
  release: string;
  /** The SHA-256 that the archive must have, in lower-case hex. */
  sha256?: string;
}

const part = '[A-Za-z0-9][A-Za-z0-9._-]*';
const pattern = new RegExp(`^(${part})/(${part})@([A-Za-z0-9][A-Za-z0-9._+-]*)(?:#sha256:([0-9a-fA-F]{64}))?$`);

/** Reads a list of plugins: `<org>/<repository>@<release>` with `#sha256:<hex>` or without, between commas. Throws `InvalidConfiguration`. */
export function parsePluginList(text: string): PluginItem[] {
  const items = text
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean)
    .map(parsePluginItem);
  for (const [index, item] of items.entries()) {
    const isTwice = items.findIndex((other) => folderNameOf(other) === folderNameOf(item)) !== index;
    if (isTwice) throw invalid(`${item.organization}/${item.repository} is in the list of plugins twice; keep one`);
  }
  return items;
}

/** Reads one item. Throws `InvalidConfiguration`. */
export function parsePluginItem(text: string): PluginItem {
  const [, organization, repository, release, sha256] = pattern.exec(text) ?? [];
  if (!organization || !repository || !release) {
    throw invalid(
      `"${text}" is no plugin to fetch; write ORG/REPOSITORY@RELEASE, or ORG/REPOSITORY@RELEASE#sha256: and 64 hex digits`,
    );
  }
  return { text, organization, repository, release, ...(sha256 ? { sha256: sha256.toLowerCase() } : {}) };
}

/** What a fetched plugin is named in the plugins folder, whatever its release. */
export function folderNameOf({ organization, repository }: PluginItem): string {
  return `${organization}.${repository}`;
}

function invalid(message: string): KplugError {
  return new KplugError('InvalidConfiguration', message);
}
