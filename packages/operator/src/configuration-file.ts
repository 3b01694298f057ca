import { readFile } from 'node:fs/promises';
import { type DelegationDeclaration, KplugError } from '@kplug/controller';
import { findDelegationFaults } from '@kplug/controller/tools';
import { type Document, LineCounter, parseDocument } from 'yaml';
import { allSettings, type SettingName } from './settings.ts';
import { type FieldPath, formatFieldPath, type Position, positionOf } from './yaml-position.ts';

/** Content of a configuration file. */
export interface ConfigurationFile {
  /** Settings with valid values. */
  settings: ReadonlyMap<SettingName, unknown>;
  delegations: DelegationDeclaration[];
}

/** Fault of a field. */
interface Fault {
  path: FieldPath;
  message: string;
}

const advice = 'use a mapping of settings, with a list of delegations';

/**
 * Reads a file such as `kplug.yaml`. Rejects with `InvalidConfiguration`, which names file, line and field, or with `NotFound` when the
 * file does not exist.
 */
export async function readConfigurationFile(file: string): Promise<ConfigurationFile> {
  const lines = new LineCounter();
  const options = { lineCounter: lines, prettyErrors: false, version: '1.2', merge: false } as const;
  const document = parseDocument(await readText(file), options);
  const [error] = [...document.errors, ...document.warnings];
  if (error) {
    const { line, col } = lines.linePos(error.pos[0]);
    const message = `${file}:${line}:${col}: invalid YAML: ${error.message}`;
    throw new KplugError('InvalidConfiguration', message, { cause: error });
  }
  const { faults, ...content } = readContent(document);
  if (faults.length === 0) return content;
  const placed = faults.map((fault) => ({ ...fault, ...positionOf(document, fault.path, lines) }));
  placed.sort((a, b) => a.line - b.line || a.column - b.column);
  throw new KplugError('InvalidConfiguration', placed.map((fault) => describe(fault, file)).join('; '));
}

/** Reads the delegations of a file. Rejects as `readConfigurationFile` does, and with `InvalidConfiguration` when there are none. */
export async function readDelegationFile(file: string): Promise<DelegationDeclaration[]> {
  const { delegations } = await readConfigurationFile(file);
  if (delegations.length > 0) return delegations;
  throw new KplugError('InvalidConfiguration', `${file}: delegations: is missing or empty; add a delegation`);
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const isMissing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    if (isMissing) {
      const message = `the configuration file ${file} doesn't exist; name another with --config`;
      throw new KplugError('NotFound', message, { cause });
    }
    const message = `the configuration file ${file} can't be read: ${(cause as Error).message}`;
    throw new KplugError('InvalidConfiguration', message, { cause });
  }
}

function readContent(document: Document): ConfigurationFile & { faults: Fault[] } {
  const content: unknown = document.toJS({ maxAliasCount: 50 });
  const nothing = { settings: new Map(), delegations: [] };
  if (content === null) return { ...nothing, faults: [] };
  if (typeof content !== 'object' || Array.isArray(content)) {
    return { ...nothing, faults: [{ path: [], message: `the file is not a mapping; ${advice}` }] };
  }
  const { delegations = [], ...rest } = content as Record<string, unknown>;
  const read = readSettings(rest);
  if (!Array.isArray(delegations)) {
    const faults = [...read.faults, { path: ['delegations'], message: 'must be a list' }];
    return { ...nothing, faults };
  }
  const faults = [
    ...read.faults,
    ...delegations.flatMap((declaration, index) =>
      findDelegationFaults(declaration).map(({ path, message }) => ({
        path: ['delegations', index, ...path],
        message,
      })),
    ),
    ...findDuplicates(delegations),
  ];
  return { settings: read.settings, delegations: delegations as DelegationDeclaration[], faults };
}

function readSettings(content: Record<string, unknown>): { settings: Map<SettingName, unknown>; faults: Fault[] } {
  const known = new Map<string, (typeof allSettings)[number]>(allSettings.map((entry) => [entry[0], entry]));
  const settings = new Map<SettingName, unknown>();
  const faults: Fault[] = [];
  for (const [field, value] of Object.entries(content)) {
    const entry = known.get(field);
    if (!entry) {
      faults.push({ path: [field], message: 'is not a field of this file' });
      continue;
    }
    const [name, { schema }] = entry;
    const { success, data, error } = schema.safeParse(value);
    if (success) settings.set(name, data);
    else faults.push(...error.issues.map((issue) => ({ path: [field], message: simplify(issue.message) })));
  }
  return { settings, faults };
}

/** Removes technical parts of zod's messages. */
function simplify(message: string): string {
  return message.endsWith('received undefined') ? 'is missing' : message.replace(/^Invalid (input|option): /, '');
}

function findDuplicates(delegations: readonly { name?: unknown }[]): Fault[] {
  const names = delegations.map((delegation) => delegation?.name);
  return names.flatMap((name, index) => {
    if (typeof name !== 'string' || names.indexOf(name) === index) return [];
    return [{ path: ['delegations', index, 'name'], message: `"${name}" is already the name of another delegation` }];
  });
}

function describe({ path, message, line, column }: Fault & Position, file: string): string {
  return `${[file, line, column].join(':')}: ${[formatFieldPath(path), message].filter(Boolean).join(': ')}`;
}
