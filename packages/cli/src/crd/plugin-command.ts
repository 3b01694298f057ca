import { existsSync, statSync } from 'node:fs';
import { dirname, extname, isAbsolute, join, resolve } from 'node:path';
import { CommandError } from '../command-error.ts';

/** Command that starts a plugin. */
export interface PluginCommand {
  program: string;
  args: string[];
  cwd: string;
  env?: Record<string, string>;
}

/** Files with a plugin that a folder may have, in the order in which they are tried. */
const mainFiles = [
  'plugin.ts',
  'plugin.py',
  'go.mod',
  'src/plugin.ts',
  'src/main.ts',
  'main.ts',
  'plugin.js',
  'plugin.mjs',
];

/**
 * Finds the command that starts a plugin: that of a file in TypeScript, JavaScript or Python, of a folder with one, or of a Go module, or the
 * words themselves. Throws a `CommandError`.
 */
export function findPluginCommand(words: readonly string[]): PluginCommand {
  const [first = '', ...others] = words;
  if (others.length > 0) return { program: first, args: others, cwd: process.cwd() };
  if (!existsSync(first)) {
    const message = `${first} does not exist; give a file or folder with a plugin, or -- and a command that starts one`;
    throw new CommandError('notFound', message);
  }
  return commandOf(statSync(first).isDirectory() ? mainFileOf(first) : first);
}

function mainFileOf(folder: string): string {
  const found = mainFiles.map((name) => join(folder, name)).find((file) => existsSync(file));
  if (found) return found;
  const message = `${folder} has no ${mainFiles.slice(0, 3).join(', ')}; give the file of the plugin, or -- and a command that starts it`;
  throw new CommandError('usage', message);
}

function commandOf(file: string): PluginCommand {
  const path = resolve(file);
  const cwd = dirname(path);
  switch (extname(file)) {
    case '.ts':
    case '.mts':
    case '.js':
    case '.mjs':
    case '.cjs':
      return { program: process.execPath, args: [path], cwd };
    case '.py':
      return { program: pythonOf(cwd), args: [path], cwd };
    case '.go':
    case '.mod':
      return { program: 'go', args: ['run', '.'], cwd };
    default:
      return { program: path, args: [], cwd };
  }
}

/** Returns the Python of the virtual environment that is active or in the folder, else that of the PATH. */
function pythonOf(folder: string): string {
  const { VIRTUAL_ENV: active } = process.env;
  const environments = [...(active ? [active] : []), '.venv', 'venv'];
  const programs = environments.map((one) => join(isAbsolute(one) ? one : join(folder, one), 'bin', 'python'));
  return programs.find((program) => existsSync(program)) ?? 'python3';
}
