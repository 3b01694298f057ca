import { readdir, stat } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { messageOf } from '../errors.ts';
import { fingerprintOf } from '../files/fingerprint.ts';
import { readUpTo } from '../files/read-up-to.ts';
import { hasCode } from '../files/system-error.ts';
import { KiB } from '../limits/limit.ts';
import { limits } from '../limits/limits.ts';
import { commandFor, type FileCommand, type Interpreters, nodeCommand } from './commands.ts';
import { type PluginFile, readPluginFile } from './plugin-file.ts';
import type { Program, RunSettings } from './program.ts';

/** Name of the file that makes a folder a plugin. */
export const pluginFileName = 'plugin.yaml';

const { maxListedFiles, maxFileSize } = limits.pluginsFolder;

/** Entry of the plugins folder, as it is now. */
export interface Entry {
  name: string;
  /** Text that changes with the content of the entry. */
  identity: string;
  /** Files whose fingerprints make up the identity. */
  files: readonly string[];
  /** Program to start. Missing, as is `fault`, when the entry is no plugin. */
  program?: Program;
  /** Reason why nothing can be started, for the owner of the entry. */
  fault?: string;
}

/** Names that are never plugins: dot files, names with `_`, and what editors and copying programs leave behind. */
const ignored =
  /^[._#]|~$|\.(?:tmp|temp|part|partial|crdownload|download|filepart|swp|swx|bak|orig|rej|log)$|\.d\.[cm]?ts$|^4913$|___jb_|^node_modules$/i;

/** Reports whether a name is never a plugin's. */
export function isIgnored(name: string): boolean {
  return ignored.test(name);
}

/** Reads an entry of the plugins folder. Returns `undefined` when it no longer exists. */
export async function readEntry(
  path: string,
  name: string,
  defaults: RunSettings,
  interpreters: Interpreters,
): Promise<Entry | undefined> {
  try {
    const stats = await stat(path);
    if (stats.isDirectory()) return await readFolder(path, name, defaults, interpreters);
    return stats.isFile() ? await readProgramFile(path, name, defaults, interpreters) : await noPlugin(path, name);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    return { name, files: [path], identity: await identify([path]), fault: `can't be read: ${messageOf(error)}` };
  }
}

/** Returns the fingerprints of files, in one text. Links are followed. */
export async function identify(files: readonly string[]): Promise<string> {
  const fingerprints = await Promise.all(files.map(fingerprint));
  return fingerprints.join('\n');
}

/** Returns the fingerprints of an entry and of everything below it, in one text. It changes while something is copied there. */
export async function listingOf({ files: [path = ''] }: Entry): Promise<string> {
  const names = await readdir(path, { recursive: true }).catch(() => []);
  const listed = names.sort().slice(0, maxListedFiles);
  return identify([path, ...listed.map((name) => join(path, name))]);
}

async function fingerprint(file: string): Promise<string> {
  try {
    const stats = await stat(file, { bigint: true });
    // The times of a folder change with whatever a plugin writes into it.
    return stats.isDirectory() ? `${stats.dev}:${stats.ino}` : `${fingerprintOf(stats)}:${stats.mode}`;
  } catch (error) {
    return messageOf(error);
  }
}

async function readProgramFile(
  path: string,
  name: string,
  defaults: RunSettings,
  interpreters: Interpreters,
): Promise<Entry> {
  const identity = await identify([path]);
  const { command, ...rest } = await commandFor(path, interpreters);
  const entry = { name, files: [path], identity, ...rest };
  return command
    ? { ...entry, program: { ...defaults, name, command, directory: resolve(path, '..'), files: entry.files } }
    : entry;
}

async function readFolder(
  path: string,
  name: string,
  defaults: RunSettings,
  interpreters: Interpreters,
): Promise<Entry> {
  const description = join(path, pluginFileName);
  const text = await readDescription(description);
  if (text === undefined) return { ...(await noPlugin(path, name)), files: [path, description] };
  let content: PluginFile;
  try {
    content = readPluginFile(text, description, defaults);
  } catch (error) {
    const files = [path, description];
    return { name, files, identity: await identify(files), fault: messageOf(error) };
  }
  const { command, arguments: args, ...runSettings } = content;
  // The program counts even while it is missing.
  const files = [path, description, ...(command.includes('/') ? [resolve(path, command)] : [])];
  for (const word of args) {
    const file = resolve(path, word);
    if (file.startsWith(`${path}/`) && (await stat(file).catch(() => undefined))?.isFile()) files.push(file);
  }
  const identity = await identify(files);
  const { command: start, ...rest } = await commandIn(path, command, args, interpreters);
  const entry = { name, files, identity, ...rest };
  return start ? { ...entry, program: { ...runSettings, name, command: start, directory: path, files } } : entry;
}

/** Reads a `plugin.yaml`. Returns `undefined` when there is none. Throws when it is not a file, or too large to be one. */
async function readDescription(path: string): Promise<string | undefined> {
  try {
    const stats = await stat(path);
    // Reading a pipe or a device may never end.
    if (!stats.isFile()) throw new Error(`${path} is not a file`);
    const text = await readUpTo(path, maxFileSize);
    if (text === undefined) throw new Error(`${path} is larger than ${maxFileSize / KiB} KiB`);
    return text.toString();
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** Returns the command of a folder. A command with a `/` is a file, any other a program on the PATH. */
async function commandIn(
  folder: string,
  command: string,
  args: readonly string[],
  interpreters: Interpreters,
): Promise<FileCommand> {
  if (command === 'node') return { command: nodeCommand(args, interpreters) };
  if (!command.includes('/')) return { command: [command, ...args] };
  const file = isAbsolute(command) ? command : resolve(folder, command);
  if (!(await stat(file).catch(() => undefined))?.isFile()) {
    return { fault: `${join(folder, pluginFileName)}: command ${command} is not a file; name one, such as ./plugin` };
  }
  const found = await commandFor(file, interpreters);
  if (found.command) return { command: [...found.command, ...args] };
  if (found.fault) return found;
  return { fault: `${file} is not a native program, a script that begins with #!, a module or a Python file` };
}

async function noPlugin(path: string, name: string): Promise<Entry> {
  return { name, files: [path], identity: await identify([path]) };
}
