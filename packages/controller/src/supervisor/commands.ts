import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { basename } from 'node:path';
import { lookIntoFile } from './whole-file.ts';

/** How a file is run, or why it can't be. All missing: it is no program. */
export interface FileCommand {
  command?: readonly [string, ...string[]];
  /** What its owner has to mend. */
  fault?: string;
  /** Why it isn't whole, so that it is waited for. */
  partial?: string;
}

/** What starts modules and Python files. */
export interface Interpreters {
  python: string;
  packages: Readonly<Record<string, string>>;
}

const module = /(?<!\.d)\.[cm]?[jt]s$/;

/** How a file is run: a module by Node.js, Python by Python, a native program or a script with `#!` by itself. */
export async function commandFor(path: string, interpreters: Interpreters): Promise<FileCommand> {
  const { nature, partial } = await lookIntoFile(path);
  const isRunnable = await isExecutable(path);
  const isModule = module.test(path);
  const isPython = path.endsWith('.py');
  const isNative = nature === 'elf' || nature === 'mach-o';
  if (!isModule && !isPython && !isNative && nature !== 'script') return {};
  // Libraries are native code too.
  if (isNative && !isRunnable && /\.(?:so|dylib|a|o)(?:\.|$)/.test(basename(path))) return {};
  if (partial) return { partial };
  if (isModule) return { command: nodeCommand([path], interpreters) };
  if (isRunnable && (isNative || nature === 'script')) return { command: [path] };
  if (isPython) return { command: [interpreters.python, '-u', path] };
  const what = nature === 'script' ? 'a script' : 'a native program';
  return { fault: `${path} is ${what} that nobody may execute; chmod +x it` };
}

/** This process's own Node.js, with the packages that modules may import wherever they are. */
export function nodeCommand(args: readonly string[], { packages }: Interpreters): [string, ...string[]] {
  if (Object.keys(packages).length === 0) return [process.execPath, ...args];
  const hook = packageHook.replace('PACKAGES', JSON.stringify(packages));
  return [process.execPath, `--import=data:text/javascript,${encodeURIComponent(hook)}`, ...args];
}

/** What a module's own place has goes first. */
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

/** Whether this user may execute a file. */
export async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
