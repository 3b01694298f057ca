import { readFile } from 'node:fs/promises';
import { differences } from '@kplug/conformance';
import { isJsonObject } from '@kplug/controller/tools';
import { parseAllDocuments } from 'yaml';
import { CommandError } from '../command-error.ts';
import { formatDocuments } from '../output/document.ts';

/** Documents that a command is expected to print. */
export interface Expected {
  file: string;
  documents: unknown[];
}

/** Fields with times, which differ each time. */
const times: ReadonlySet<string> = new Set(['lastTransitionTime', 'since']);

/** Largest number of differences that are named. */
const maxDifferences = 20;

/** Reads expected documents, in YAML or JSON. Rejects with a `CommandError`. */
export async function readExpected(file: string): Promise<Expected> {
  const text = await readFile(file, 'utf8').catch((cause: Error) => {
    throw new CommandError('usage', `cannot read ${file}: ${cause.message}; make it with the output of this command`, {
      cause,
    });
  });
  return { file, documents: parse(text, file) };
}

/** Parses YAML documents, or a JSON array of them. Integers of any size keep their value. */
function parse(text: string, file: string): unknown[] {
  const parsed = parseAllDocuments(text, { intAsBigInt: true });
  const [fault] = 'empty' in parsed ? [] : parsed.flatMap(({ errors }) => errors);
  if (fault) throw new CommandError('usage', `${file} is not valid YAML: ${fault.message}`, { cause: fault });
  return Array.from(parsed, (document): unknown => document.toJS()).flat();
}

/** Throws a `CommandError` that names the differences of an output from the expected one. Times don't count. */
export function requireExpected(output: readonly object[], { file, documents }: Expected): void {
  const actual = parse(formatDocuments(output, 'yaml'), 'the output').map(withoutTimes);
  const wanted = documents.map(withoutTimes);
  const found: string[] = [];
  const names = new Set([...wanted, ...actual].map(nameOf));
  for (const name of names) {
    const before = wanted.filter((one) => nameOf(one) === name);
    const after = actual.filter((one) => nameOf(one) === name);
    if (after.length === 0) found.push(`${name} is missing`);
    else if (before.length === 0) found.push(`${name} is not expected`);
    else found.push(...differences(before, after, maxDifferences).map((one) => `${name} ${one.replace(/^\.\d+/, '')}`));
  }
  if (found.length === 0) return;
  const more = found.length - maxDifferences;
  const lines = [...found.slice(0, maxDifferences), ...(more > 0 ? [`${more} more`] : [])];
  throw new CommandError('failed', `the output is not as ${file} has it: ${lines.join('; ')}`);
}

function withoutTimes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutTimes);
  if (!isJsonObject(value)) return value;
  const kept = Object.entries(value).filter(([field, content]) => !times.has(field) && content !== undefined);
  return Object.fromEntries(kept.map(([field, content]) => [field, withoutTimes(content)]));
}

/** Names a document: that of an Event by its object and reason. */
function nameOf(document: unknown): string {
  const { kind, metadata, involvedObject, reason } = isJsonObject(document) ? document : {};
  const { namespace = '', name = '' } = isJsonObject(metadata) ? metadata : {};
  if (!isJsonObject(involvedObject)) return `${kind} ${namespace}/${name}`;
  return `Event ${reason} of ${involvedObject.kind} ${involvedObject.namespace}/${involvedObject.name}`;
}
