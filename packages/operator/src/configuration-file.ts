import { type DelegationDeclaration, KplugError } from '@kplug/controller';
import {
  findDelegationFaults,
  formatPath,
  readYamlFile,
  type TextPosition,
  type YamlFile,
} from '@kplug/controller/tools';
import { allSettings, type SettingName } from './settings.ts';

/** Content of a configuration file. */
export interface ConfigurationFile {
  /** Settings with valid values. */
  settings: ReadonlyMap<SettingName, unknown>;
  delegations: DelegationDeclaration[];
}

/** Fault of a file, with its position unless it concerns the whole file. */
export interface ConfigurationFault extends Partial<TextPosition> {
  message: string;
}

/** Delegations of a file, valid or not, and the faults of the file in the order of their positions. */
export interface InspectedFile {
  delegations: DelegationDeclaration[];
  faults: ConfigurationFault[];
}

/** Fault of a field. */
interface Fault {
  path: (string | number)[];
  message: string;
}

/** Maximum number of faults in an error message. */
const maxShownFaults = 20;

const advice = 'use a mapping of settings, with a list of delegations';

/**
 * Reads a file such as `kplug.yaml`. Rejects with `InvalidConfiguration`, which names file, line and field, or with `NotFound` when the
 * file does not exist.
 */
export async function readConfigurationFile(file: string): Promise<ConfigurationFile> {
  const { faults, ...content } = await inspectConfigurationFile(file);
  if (faults.length === 0) return content;
  const shown = faults.slice(0, maxShownFaults).map((fault) => describe(fault, file));
  if (faults.length > maxShownFaults) shown.push(`and ${faults.length - maxShownFaults} more faults`);
  throw new KplugError('InvalidConfiguration', shown.join('; '));
}

/**
 * Reads the delegations of a file such as `kplug.yaml`, and all faults of the file. Rejects with `InvalidConfiguration` when the file can't be
 * read, or with `NotFound` when it does not exist.
 */
export async function inspectDelegationFile(file: string): Promise<InspectedFile> {
  const { delegations, faults } = await inspectConfigurationFile(file);
  return { delegations, faults };
}

/** Reads a file with all its faults, in the order of their positions. */
async function inspectConfigurationFile(file: string): Promise<ConfigurationFile & InspectedFile> {
  const { value, fault, positionOf } = await readFile(file);
  if (fault) return { settings: new Map(), delegations: [], faults: [fault] };
  const { faults, ...content } = readContent(value);
  const placed = faults.map(({ path, message }) => {
    return { ...positionOf(path), message: [formatPath(path), message].filter(Boolean).join(': ') };
  });
  placed.sort((a, b) => a.line - b.line || a.column - b.column);
  return { ...content, faults: placed };
}

/** Reads the delegations of a file. Rejects as `readConfigurationFile` does, and with `InvalidConfiguration` when there are none. */
export async function readDelegationFile(file: string): Promise<DelegationDeclaration[]> {
  const { delegations } = await readConfigurationFile(file);
  if (delegations.length > 0) return delegations;
  throw new KplugError('InvalidConfiguration', `${file}: delegations: is missing or empty; add a delegation`);
}

async function readFile(file: string): Promise<YamlFile> {
  try {
    return await readYamlFile(file);
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

function readContent(content: unknown): ConfigurationFile & { faults: Fault[] } {
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
  const names = new Set<string>();
  return delegations.flatMap((delegation, index) => {
    const name = delegation?.name;
    if (typeof name !== 'string' || names.size < names.add(name).size) return [];
    return [{ path: ['delegations', index, 'name'], message: `"${name}" is already the name of another delegation` }];
  });
}

function describe({ message, line, column }: ConfigurationFault, file: string): string {
  return `${[file, line, column].filter((part) => part !== undefined).join(':')}: ${message}`;
}
