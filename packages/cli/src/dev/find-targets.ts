import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, relative, resolve } from 'node:path';
import { defaultRunSettings, readPluginFile, readUpTo } from '@kplug/controller/tools';
import { CommandError } from '../command-error.ts';
import { isFile } from '../input/path-kind.ts';
import type { Target, TargetLanguage } from './target.ts';

/** Largest size of a file that is searched for a plugin, in bytes. */
const maxFileSize = 1024 * 1024;

const moduleFile = /(?<!\.d|\.test|\.spec|\.config)\.[cm]?[jt]s$/;
const pythonFile = /^(?!test_|conftest).*(?<!_test)\.py$/;

/** Code that serves a plugin with an SDK, or with the first Kplug's. */
const servesPlugin = /@kplug\/sdk|^\s*(?:from|import) kplug\b/m;

/** Returns the plugin of a command line. */
export function commandTarget(command: readonly [string, ...string[]], cwd: string): Target {
  const [program, ...args] = command;
  const name = basename(cwd);
  return { ...bare(name, cwd, cwd), language: 'other', entry: program, arguments: args, isBareFile: false };
}

/** Finds the plugins of paths; without any, those of the current directory. Rejects with `CommandError` when there is none. */
export async function findTargets(paths: readonly string[], cwd: string): Promise<Target[]> {
  if (paths.length > 0) {
    const targets = await Promise.all(paths.map((path) => findTarget(resolve(cwd, path))));
    return withOwnNames(targets.flat());
  }
  const project = await findInFolder(cwd);
  if (project) return [project];
  const files = await findFiles(cwd);
  const found = files.length > 0 ? files : await findInPluginsFolder(join(cwd, 'plugins'));
  if (found.length > 0) return withOwnNames(found);
  throw new CommandError(
    'notFound',
    `no plugin found in ${cwd}: there is no plugin.yaml, package.json, pyproject.toml, requirements.txt or go.mod with one, and no file that imports an SDK; name a file or folder, give a command after --, or create a plugin with "kplug init plugin"`,
  );
}

/** Finds the plugins of a file or folder. */
export async function findTarget(path: string): Promise<Target[]> {
  const stats = await stat(path).catch(() => undefined);
  if (!stats) throw new CommandError('notFound', `${path} does not exist; name a file or folder with a plugin`);
  if (!stats.isDirectory()) return [await fileTarget(path)];
  const project = await findInFolder(path);
  const found = project ? [project] : await findFiles(path);
  if (found.length > 0) return found;
  throw new CommandError(
    'notFound',
    `no plugin found in ${path}: it has no plugin.yaml or project of a plugin, and no file that imports an SDK; name the file to run`,
  );
}

async function fileTarget(path: string): Promise<Target> {
  const folder = dirname(path);
  const isBareFile = !(await isProject(folder));
  const target = { ...bare(basename(path), path, folder), entry: basename(path), isBareFile };
  if (moduleFile.test(path)) return { ...target, language: 'node' };
  if (extname(path) === '.py') return { ...target, language: 'python' };
  if (extname(path) === '.go') return { ...target, language: 'go' };
  return { ...target, language: 'other', entry: `./${target.entry}` };
}

/** Returns the plugin of a folder that is a project; `undefined` when it is none. */
async function findInFolder(folder: string): Promise<Target | undefined> {
  const names = new Set(await readdir(folder).catch(() => []));
  const target = bare(basename(folder), folder, folder);
  if (names.has('plugin.yaml')) return describedTarget(folder, names);
  if (names.has('go.mod')) return { ...target, language: 'go', entry: '.' };
  if (names.has('package.json')) {
    const entry = await nodeEntry(folder, names);
    if (entry) return { ...target, language: 'node', entry };
  }
  if (names.has('pyproject.toml') || names.has('requirements.txt')) {
    const entry = ['plugin.py', 'main.py', 'app.py', '__main__.py'].find((name) => names.has(name));
    if (entry) return { ...target, language: 'python', entry };
    const [file] = (await findFiles(folder)).filter(({ language }) => language === 'python');
    return file && { ...target, language: 'python', entry: file.entry };
  }
  return undefined;
}

/** Returns the plugin of a folder with a `plugin.yaml`, whose command may be one of its image. Rejects with the faults of that file. */
async function describedTarget(folder: string, names: ReadonlySet<string>): Promise<Target> {
  const file = join(folder, 'plugin.yaml');
  const text = await readUpTo(file, maxFileSize);
  const { command, arguments: args, ...settings } = readPluginFile(text?.toString(), file, defaultRunSettings);
  const target = { ...bare(basename(folder), folder, folder), settings: ownSettings(settings) };
  const program = basename(command);
  const word = (pattern: RegExp) => args.findIndex((argument) => pattern.test(argument));
  const from = (language: TargetLanguage, index: number): Target => ({
    ...target,
    language,
    entry: args[index] ?? '',
    arguments: args.slice(index + 1),
  });
  if (program === 'node' && word(moduleFile) >= 0) return from('node', word(moduleFile));
  if (/^python[\d.]*$/.test(program) && word(/\.py$/) >= 0) return from('python', word(/\.py$/));
  if (names.has('go.mod') && command.includes('/')) return { ...target, language: 'go', entry: '.', arguments: args };
  const language = moduleFile.test(command) ? 'node' : command.endsWith('.py') ? 'python' : 'other';
  return { ...target, language, entry: command, arguments: args };
}

/** Returns the settings that matter on a developer's machine. */
function ownSettings({ environment, resources, health }: Target['settings']): Target['settings'] {
  return { ...(environment && { environment }), ...(resources && { resources }), ...(health && { health }) };
}

/** Finds the module that a `package.json` starts. */
async function nodeEntry(folder: string, names: ReadonlySet<string>): Promise<string | undefined> {
  const { scripts = {}, main } = await readPackage(join(folder, 'package.json'));
  const started = /\bnode(?: +-\S+)* +(\S+\.[cm]?[jt]s)\b/.exec(scripts.dev ?? scripts.start ?? '')?.[1];
  const known = [
    'plugin.ts',
    'index.ts',
    'main.ts',
    'src/plugin.ts',
    'src/index.ts',
    'src/main.ts',
    'plugin.js',
    'index.js',
  ];
  const candidates = [started, names.has('plugin.ts') ? 'plugin.ts' : undefined, main, ...known];
  for (const candidate of candidates) if (candidate && (await isFile(join(folder, candidate)))) return candidate;
  const [file] = (await findFiles(folder)).filter(({ language }) => language === 'node');
  return file?.entry;
}

interface PackageFile {
  scripts?: Record<string, string>;
  main?: string;
}

async function readPackage(file: string): Promise<PackageFile> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as PackageFile;
  } catch (cause) {
    throw new CommandError('usage', `${file} can't be read: ${(cause as Error).message}`, { cause });
  }
}

/** Finds the files of a folder that serve a plugin. */
async function findFiles(folder: string): Promise<Target[]> {
  const names = (await readdir(folder).catch(() => [])).sort();
  const found: Target[] = [];
  for (const name of names) {
    const path = join(folder, name);
    if ((moduleFile.test(name) || pythonFile.test(name)) && (await isPlugin(path))) found.push(await fileTarget(path));
  }
  return found;
}

async function findInPluginsFolder(folder: string): Promise<Target[]> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => !/^[._]/.test(name)).sort();
  const folders = await Promise.all(names.map((name) => findInFolder(join(folder, name))));
  return [...(await findFiles(folder)), ...folders.filter((target) => target !== undefined)];
}

async function isPlugin(path: string): Promise<boolean> {
  const text = (await isFile(path)) ? await readUpTo(path, maxFileSize) : undefined;
  return text !== undefined && servesPlugin.test(text.toString());
}

async function isProject(folder: string): Promise<boolean> {
  const names = await readdir(folder);
  return names.some((name) => /^(?:package\.json|pyproject\.toml|requirements\.txt|go\.mod|plugin\.yaml)$/.test(name));
}

function bare(name: string, path: string, folder: string) {
  return { name, path, folder, arguments: [], settings: {}, isBareFile: false };
}

/** Names plugins with the same name by their paths. */
function withOwnNames(targets: readonly Target[]): Target[] {
  const counts = Map.groupBy(targets, ({ name }) => name);
  return targets.map((target) => {
    const isOnly = counts.get(target.name)?.length === 1;
    return isOnly ? target : { ...target, name: relative(dirname(dirname(target.path)), target.path) };
  });
}
