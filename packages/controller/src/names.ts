/**
 * Name of a plugin. Names that differ only in case are equal; the spelling is kept for people. Compare names with `equals`, and
 * use `key` as the key of a map.
 */
export class PluginName {
  /** The name as the plugin or the user spelled it. */
  readonly text: string;
  /** The same for all names that are equal. */
  readonly key: string;

  constructor(text: string) {
    this.text = text;
    this.key = text.toLowerCase();
  }

  equals(other: PluginName): boolean {
    return this.key === other.key;
  }

  toString(): string {
    return this.text;
  }
}

/** A plugin in one version. */
export interface VersionedName {
  readonly plugin: PluginName;
  readonly version: string;
}

/** Reports whether two names denote the same plugin in the same version. */
export function isSameVersionedName(a: VersionedName, b: VersionedName): boolean {
  return a.version === b.version && a.plugin.equals(b.plugin);
}

/** Formats a plugin for people: `PostgreSQL 1.2.0`. */
export function formatPlugin({ plugin, version }: { plugin: PluginName | string; version: string }): string {
  return `${plugin} ${version}`;
}
