import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { messageOf } from '../errors.ts';
import { fingerprintOf } from '../resources/directory/list-manifest-files.ts';
import { hasCode } from '../resources/directory/write-durably.ts';
import { commandFor, type FileCommand, type Interpreters, nodeCommand } from './commands.ts';
import { type PluginFile, readPluginFile } from './plugin-file.ts';
import type { Program, Terms } from './program.ts';

/** The file that makes a folder a plugin. */
export const pluginFileName = 'plugin.yaml';

/** How many files of a folder are looked at for whether it has been copied. */
const mostFiles = 20_000;

/** Something in the plugins folder, as it is now. */
export interface Entry {
  name: string;
  /** What tells one content from another. */
  identity: string;
  /** The files whose fingerprints are the identity. */
  files: readonly string[];
  /** What would be started. */
  program?: Program;
  /** Why nothing can be started, for whoever put it there. */
  fault?: string;
  /** Why it isn't whole yet. */
  partial?: string;
}

/** Dot files, what begins with `_`, and what editors and copying programs leave or haven't finished. */
const ignored =
  /^[._#]|~$|\.(?:tmp|temp|part|partial|crdownload|download|filepart|swp|swx|bak|orig|rej|log)$|\.d\.[cm]?ts$|^4913$|___jb_|^node_modules$/i;

/** Whether a name is of something that is never a plugin. */
export function isIgnored(name: string): boolean {
  return ignored.test(name);
}

/** Looks at something in the plugins folder. `undefined` when it has gone meanwhile. */
export async function lookAt(path: string, name: string, terms: Terms, by: Interpreters): Promise<Entry | undefined> {
  try {
    const stats = await stat(path);
    if (stats.isDirectory()) return await lookAtFolder(path, name, terms, by);
    return stats.isFile() ? await lookAtFile(path, name, terms, by) : await noPlugin(path, name);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    return { name, files: [path], identity: await identify([path]), fault: `it can't be read: ${messageOf(error)}` };
  }
}

/** The fingerprints of files; where links lead counts too. */
export async function identify(files: readonly string[]): Promise<string> {
  const marks = await Promise.all(files.map(markOf));
  return marks.join('\n');
}

/** The fingerprints of an entry and of all below it, in one text. Changes for as long as something is copied there. */
export async function listingOf({ files: [path = ''] }: Entry): Promise<string> {
  const names = await readdir(path, { recursive: true }).catch(() => []);
  const all = names.sort().slice(0, mostFiles);
  return identify([path, ...all.map((name) => join(path, name))]);
}

/** All files of an entry, by their real paths, to look for who writes them. */
export async function realFilesOf({ files }: Entry): Promise<Set<string>> {
  return new Set(await Promise.all(files.map((file) => realpath(file).catch(() => file))));
}

async function markOf(file: string): Promise<string> {
  try {
    const stats = await stat(file, { bigint: true });
    // A folder's times change with whatever a plugin writes beside itself.
    return stats.isDirectory() ? `${stats.dev}:${stats.ino}` : `${fingerprintOf(stats)}:${stats.mode}`;
  } catch (error) {
    return messageOf(error);
  }
}

async function lookAtFile(path: string, name: string, terms: Terms, by: Interpreters): Promise<Entry> {
  const identity = await identify([path]);
  const { command, ...why } = await commandFor(path, by);
  const entry = { name, files: [path], identity, ...why };
  return command ? { ...entry, program: { ...terms, name, command, directory: resolve(path, '..') } } : entry;
}

async function lookAtFolder(path: string, name: string, terms: Terms, by: Interpreters): Promise<Entry> {
  const description = join(path, pluginFileName);
  const text = await readFile(description, 'utf8').catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  });
  if (text === undefined) return { ...(await noPlugin(path, name)), files: [path, description] };
  let said: PluginFile;
  try {
    said = readPluginFile(text, description, terms);
  } catch (error) {
    const files = [path, description];
    return { name, files, identity: await identify(files), fault: messageOf(error) };
  }
  const { command, arguments: args, ...own } = said;
  // The program counts even while it is missing.
  const files = [path, description, ...(command.includes('/') ? [resolve(path, command)] : [])];
  for (const word of args) {
    const file = resolve(path, word);
    if (file.startsWith(`${path}/`) && (await stat(file).catch(() => undefined))?.isFile()) files.push(file);
  }
  const identity = await identify(files);
  const { command: start, ...why } = await commandIn(path, command, args, by);
  const entry = { name, files, identity, ...why };
  return start ? { ...entry, program: { ...own, name, command: start, directory: path } } : entry;
}

/** How a folder's command is run: one with a `/` is a file, any other a program on the PATH. */
async function commandIn(
  folder: string,
  command: string,
  args: readonly string[],
  by: Interpreters,
): Promise<FileCommand> {
  if (command === 'node') return { command: nodeCommand(args, by) };
  if (!command.includes('/')) return { command: [command, ...args] };
  const file = isAbsolute(command) ? command : resolve(folder, command);
  if (!(await stat(file).catch(() => undefined))?.isFile()) {
    return { fault: `${join(folder, pluginFileName)}: the command ${command} is no file; name one, such as ./plugin` };
  }
  const found = await commandFor(file, by);
  if (found.command) return { command: [...found.command, ...args] };
  if (found.fault || found.partial) return found;
  return { fault: `${file} is neither a program, nor a script that begins with #!, nor a module, nor Python` };
}

async function noPlugin(path: string, name: string): Promise<Entry> {
  return { name, files: [path], identity: await identify([path]) };
}
