import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { basename } from 'node:path';
import { readNature } from './file-nature.ts';

/** Command that runs a file, or the reason why there is none. Both are missing for a file that is no program. */
export interface FileCommand {
  command?: readonly [string, ...string[]];
  /** Problem that the owner of the file has to fix. */
  fault?: string;
}

/** Interpreters of modules and Python files. */
export interface Interpreters {
  python: string;
  packages: Readonly<Record<string, string>>;
}

const module = /(?<!\.d)\.[cm]?[jt]s$/;

/** Returns the command for a file: Node.js for a module, Python for a Python file, the file itself for a program or script. */
export async function commandFor(path: string, interpreters: Interpreters): Promise<FileCommand> {
  const nature = await readNature(path);
  const isRunnable = await isExecutable(path);
  const isModule = module.test(path);
  const isPython = path.endsWith('.py');
  const isNative = nature === 'native';
  if (!isModule && !isPython && !isNative && nature !== 'script') return {};
  // Libraries have the format of native programs.
  if (isNative && !isRunnable && /\.(?:so|dylib|a|o)(?:\.|$)/.test(basename(path))) return {};
  if (nature === 'empty') return { fault: `${path} is empty` };
  if (isModule) return { command: nodeCommand([path], interpreters) };
  if (isRunnable && (isNative || nature === 'script')) return { command: [path] };
  if (isPython) return { command: [interpreters.python, '-u', path] };
  const what = nature === 'script' ? 'a script' : 'a native program';
  return { fault: `${path} is ${what} without execute permission; run chmod +x on it` };
}

/** Returns the command of this process's Node.js, with a hook that makes packages importable from everywhere. */
export function nodeCommand(args: readonly string[], { packages }: Interpreters): [string, ...string[]] {
  if (Object.keys(packages).length === 0) return [process.execPath, ...args];
  const hook = packageHook.replace('PACKAGES', JSON.stringify(packages));
  return [process.execPath, `--import=data:text/javascript,${encodeURIComponent(hook)}`, ...args];
}

/** Module hook. Packages that are installed beside a module take precedence. */
const packageHook = `import { registerHooks } from 'node:module';
const packages = PACKAGES;
registerHooks({
  resolve(specifier, context, next) {
    try {
      return next(specifier, context);
    } catch (error) {
      if (error.code !== 'ERR_MODULE_NOT_FOUND' || !Object.hasOwn(packages, specifier)) throw error;
      return { url: packages[specifier], shortCircuit: true };
    }
  },
});`;

/** Reports whether this user may execute a file. */
export async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
