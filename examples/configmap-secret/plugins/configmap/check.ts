import { createHash } from 'node:crypto';
import { parseDocument } from 'yaml';

/** Content of a ConfigMap. */
export interface Content {
  data?: Record<string, string>;
  binaryData?: Record<string, string>;
}

/** Validates the files with the extensions `.json`, `.yaml` and `.yml`. Returns the errors. */
export function validate({ data = {} }: Content): string[] {
  return Object.entries(data).flatMap(([name, text]) => {
    const error = name.endsWith('.json') ? jsonError(text) : /\.ya?ml$/.test(name) ? yamlError(text) : undefined;
    return error === undefined ? [] : [`${name} is invalid: ${error}`];
  });
}

/** Hashes a content. The order of keys doesn't matter. */
export function hashOf({ data = {}, binaryData = {} }: Content): string {
  const sorted = (entries: Record<string, string>) => Object.entries(entries).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256')
    .update(JSON.stringify([sorted(data), sorted(binaryData)]))
    .digest('hex')
    .slice(0, 16);
}

function jsonError(text: string): string | undefined {
  try {
    JSON.parse(text);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function yamlError(text: string): string | undefined {
  // The parser's check for duplicate keys takes minutes for some ten thousand of them.
  return parseDocument(text, { uniqueKeys: false }).errors[0]?.message.split('\n')[0];
}
