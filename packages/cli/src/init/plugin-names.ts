import { basename, resolve } from 'node:path';
import { CommandError } from '../command-error.ts';

/** What a plugin can be written in. */
export const languages = ['typescript', 'python', 'go'] as const;
export type Language = (typeof languages)[number];

/** What a new plugin and its kind are called. */
export interface PluginNames {
  /** As users write it in `preferredImplementation`. */
  name: string;
  kind: string;
  /** The kind's group. */
  group: string;
  /** The plugin API, with its version or without: `AddressPlan`, `AddressPlan@1.0.0`. */
  api: string;
  /** The image, without a tag. */
  image: string;
}

/** One of the names: what it is, an example of it, and what it must be. */
interface Rule {
  description: string;
  example: string;
  pattern: RegExp;
}

const label = '[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?';
const word = '[A-Za-z0-9]([A-Za-z0-9._-]{0,48}[A-Za-z0-9])?';

/** What each of the names must be. */
export const rules: Record<keyof PluginNames, Rule> = {
  name: { description: "the plugin's name", example: 'FirstFit', pattern: new RegExp(`^${word}$`) },
  kind: { description: 'the kind of its resources', example: 'AddressPlan', pattern: /^[A-Z][A-Za-z0-9]{0,49}$/ },
  group: { description: "the kind's group", example: 'example.org', pattern: new RegExp(`^${label}(\\.${label})+$`) },
  api: {
    description: 'the plugin API that it implements',
    example: 'AddressPlan or AddressPlan@1.0.0',
    pattern: new RegExp(`^${word}(@\\d+\\.\\d+\\.\\d+)?$`),
  },
  image: {
    description: 'its image, without a tag',
    example: 'ghcr.io/example/first-fit',
    pattern: /^[a-z0-9]+([._:/-]+[a-z0-9]+)*$/,
  },
};

/** The names that there are. */
export const fields = ['name', 'kind', 'group', 'api', 'image'] as const satisfies readonly (keyof PluginNames)[];

/** What is wrong with a name, for whoever gave it; `undefined` when nothing is. */
export function faultOf(field: keyof PluginNames, value: string): string | undefined {
  const { description, example, pattern } = rules[field];
  return pattern.test(value) ? undefined : `"${value}" can't be ${description}; write one such as ${example}`;
}

/** A name for what isn't given: of the folder, of the kind, or as in the example. */
export function defaultFor(field: keyof PluginNames, given: Partial<PluginNames>, folder: string): string {
  const defaults: Record<keyof PluginNames, () => string> = {
    name: () => pascalCase(basename(resolve(folder))) || 'FirstFit',
    kind: () => 'AddressPlan',
    group: () => 'example.org',
    api: () => given.kind ?? 'AddressPlan',
    image: () => `ghcr.io/example/${kebabCase(given.name ?? '')}`,
  };
  return defaults[field]();
}

/** Throws what is wrong with names that are given. */
export function checkNames(given: Partial<PluginNames>): void {
  for (const field of fields) {
    const value = given[field];
    const fault = value === undefined ? undefined : faultOf(field, value);
    if (fault) throw new CommandError('usage', `${fault}, with --${field}`);
  }
}

/** Fills in what isn't given. Throws what can't be. */
export function completeNames(given: Partial<PluginNames>, folder: string): PluginNames {
  const names: Partial<PluginNames> = { ...given };
  for (const field of fields) names[field] ??= defaultFor(field, names, folder);
  checkNames(names);
  return names as PluginNames;
}

/** What stands in the templates for the names. */
export function wordsFor({ name, kind, group, api, image }: PluginNames): Record<string, string> {
  const slug = kebabCase(name);
  const [apiName = '', apiVersion = '1.0.0'] = api.split('@');
  const [host = ''] = image.split('/');
  return {
    NAME: name,
    SLUG: slug,
    KIND: kind,
    SINGULAR: kind.toLowerCase(),
    PLURAL: pluralOf(kind.toLowerCase()),
    GROUP: group,
    API: apiName,
    API_VERSION: apiVersion,
    IMAGE: image,
    REGISTRY: /[.:]/.test(host) ? host : 'docker.io',
    MODULE: `${group}/${slug}`,
  };
}

function pascalCase(text: string): string {
  const words = text.split(/[^A-Za-z0-9]+/).filter(Boolean);
  return words.map((one) => one.charAt(0).toUpperCase() + one.slice(1)).join('');
}

/** For what must be lower case: `PostgreSQL` is `postgre-sql`, `FirstFit` is `first-fit`. */
function kebabCase(text: string): string {
  const words = text.replaceAll(/([a-z0-9])([A-Z])/g, '$1-$2').toLowerCase();
  return words
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 50)
    .replace(/-$/, '');
}

/** The regular plural, as the chart of the operator takes it to be. */
function pluralOf(singular: string): string {
  if (/(?:s|x|z|ch|sh)$/.test(singular)) return `${singular}es`;
  return /[^aeiou]y$/.test(singular) ? singular.replace(/y$/, 'ies') : `${singular}s`;
}
