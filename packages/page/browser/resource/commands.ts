import { parseKey } from '../routing/resource-key.ts';

/** Commands that show the same resource in a terminal. */
export function commandsFor(key: string): string[] {
  const parsed = parseKey(key);
  if (!parsed) return [];
  const { kind, namespace, name } = parsed;
  const target = `${word(kind.toLowerCase())}/${word(name)}${namespace ? ` -n ${word(namespace)}` : ''}`;
  return ['trace', 'explain', 'get'].map((command) => `kplug ${command} ${target}`);
}

/** Quotes what a shell would change. */
function word(text: string): string {
  return /^[\w.:-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
