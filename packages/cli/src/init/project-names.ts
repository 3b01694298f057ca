import { basename, resolve } from 'node:path';
import { CommandError } from '../command-error.ts';

/** Languages of the templates. */
export const languages = ['typescript', 'python', 'go'] as const;
export type Language = (typeof languages)[number];

/** Names of a new project, its kind, API and image. */
export interface ProjectNames {
  /** Name of the plugin, which is the value of `preferredImplementation`, or of the operator. */
  name: string;
  kind: string;
  /** API group of the kind. */
  group: string;
  /** Plugin API, optionally with a version: `AddressPlan`, `AddressPlan@1.0.0`. */
  api: string;
  /** Image without a tag. */
  image: string;
}

/** Texts about a name, an example of it and its syntax. */
interface Rule {
  /** Question to the user. */
  prompt: string;
  /** Noun in error messages. */
  noun: string;
  example: string;
  pattern: RegExp;
}

const label = '[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?';
const word = '[A-Za-z0-9]([A-Za-z0-9._-]{0,48}[A-Za-z0-9])?';

/** Rules of the names. */
export const rules: Record<keyof ProjectNames, Rule> = {
  name: { prompt: 'Name', noun: 'name', example: 'FirstFit', pattern: new RegExp(`^${word}$`) },
  kind: { prompt: 'Kind of the resources', noun: 'kind', example: 'AddressPlan', pattern: /^[A-Z][A-Za-z0-9]{0,49}$/ },
  group: {
    prompt: 'API group of the kind',
    noun: 'API group',
    example: 'example.org',
    pattern: new RegExp(`^${label}(\\.${label})+$`),
  },
  api: {
    prompt: 'Plugin API',
    noun: 'plugin API',
    example: 'AddressPlan or AddressPlan@1.0.0',
    pattern: new RegExp(`^${word}(@\\d+\\.\\d+\\.\\d+)?$`),
  },
  image: {
    prompt: 'Image without a tag',
    noun: 'image without a tag',
    example: 'ghcr.io/example/first-fit',
    pattern: /^[a-z0-9]+([._:/-]+[a-z0-9]+)*$/,
  },
};

/** Fields of the names, in the order of the questions. */
export const fields = ['name', 'kind', 'group', 'api', 'image'] as const satisfies readonly (keyof ProjectNames)[];

/** Returns why a name is invalid; `undefined` when it is valid. */
export function faultOf(field: keyof ProjectNames, value: string): string | undefined {
  const { noun, example, pattern } = rules[field];
  return pattern.test(value) ? undefined : `"${value}" is not a valid ${noun}; write one such as ${example}`;
}

/** Returns the default of a name, derived from the directory, the kind or the name. */
export function defaultFor(field: keyof ProjectNames, given: Partial<ProjectNames>, folder: string): string {
  const defaults: Record<keyof ProjectNames, () => string> = {
    name: () => pascalCase(basename(resolve(folder))) || 'FirstFit',
    kind: () => 'AddressPlan',
    group: () => 'example.org',
    api: () => given.kind ?? 'AddressPlan',
    image: () => `ghcr.io/example/${kebabCase(given.name ?? '')}`,
  };
  return defaults[field]();
}

/** Throws a `CommandError` for an invalid name. */
export function checkNames(given: Partial<ProjectNames>): void {
  for (const field of fields) {
    const value = given[field];
    const fault = value === undefined ? undefined : faultOf(field, value);
    if (fault) throw new CommandError('usage', `${fault} (--${field})`);
  }
}

/** Adds the defaults of missing names. Throws a `CommandError` for an invalid name. */
export function completeNames(given: Partial<ProjectNames>, folder: string): ProjectNames {
  const names: Partial<ProjectNames> = { ...given };
  for (const field of fields) names[field] ??= defaultFor(field, names, folder);
  checkNames(names);
  return names as ProjectNames;
}

/** Returns the values of the placeholders in the templates. */
export function wordsFor({ name, kind, group, api, image }: ProjectNames): Record<string, string> {
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

/** Converts `PostgreSQL` to `postgre-sql` and `FirstFit` to `first-fit`. */
function kebabCase(text: string): string {
  const words = text.replaceAll(/([a-z0-9])([A-Z])/g, '$1-$2').toLowerCase();
  return words
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 50)
    .replace(/-$/, '');
}

/** Returns the regular plural, by the same rules as the operator's chart. */
export function pluralOf(singular: string): string {
  if (/(?:s|x|z|ch|sh)$/.test(singular)) return `${singular}es`;
  return /[^aeiou]y$/.test(singular) ? singular.replace(/y$/, 'ies') : `${singular}s`;
}
