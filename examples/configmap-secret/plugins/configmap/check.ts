import { createHash } from 'node:crypto';
import { parseDocument } from 'yaml';

/** What a ConfigMap holds. */
export interface Content {
  data?: Record<string, string>;
  binaryData?: Record<string, string>;
}

/** What is wrong with files whose names say what they are: `.json`, `.yaml`, `.yml`. */
export function faultsOf({ data = {} }: Content): string[] {
  return Object.entries(data).flatMap(([name, text]) => {
    const fault = name.endsWith('.json') ? jsonFault(text) : /\.ya?ml$/.test(name) ? yamlFault(text) : undefined;
    return fault === undefined ? [] : [`${name} is not sound: ${fault}`];
  });
}

/** A short name for a content: the same for the same content, whatever the order of its keys. */
export function hashOf({ data = {}, binaryData = {} }: Content): string {
  const sorted = (entries: Record<string, string>) => Object.entries(entries).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256')
    .update(JSON.stringify([sorted(data), sorted(binaryData)]))
    .digest('hex')
    .slice(0, 16);
}

function jsonFault(text: string): string | undefined {
  try {
    JSON.parse(text);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function yamlFault(text: string): string | undefined {
  return parseDocument(text).errors[0]?.message.split('\n')[0];
}
