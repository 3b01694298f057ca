/** Pattern of plugin names: a name, in which `*` stands for any characters and `?` for one. */
export const pluginPattern = /^[A-Za-z0-9._*?-]{1,128}$/;

/** Reports whether a plugin's name matches one of some patterns. Case doesn't matter, as in names of plugins. */
export function matchesPlugin(patterns: readonly string[], name: string): boolean {
  return patterns.some((pattern) => expressionOf(pattern).test(name));
}

function expressionOf(pattern: string): RegExp {
  const source = pattern
    .replaceAll(/[.\\+^$()[\]{}|]/g, '\\$&')
    .replaceAll(/\*+/g, '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 'is');
}
