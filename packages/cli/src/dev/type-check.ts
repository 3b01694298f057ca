import { join } from 'node:path';
import { exists } from '../input/path-kind.ts';
import { findUpwards, run } from './prepare.ts';

/** Faults of the types of a project, each on one line, with file and line. */
export type TypeFaults = readonly string[];

/** Niceness of the compiler, so that plugin and operator go first. */
const niceness = 10;

/** Line of the compiler: `plan.ts(3,7): error TS2322: …`. Lines that continue it are indented. */
const faultLine = /^(\S.*?)\((\d+),(\d+)\): error (TS\d+: .*)$/;

/** Checks the types of a project with its own TypeScript, beside the plugin, which runs meanwhile. */
export class TypeCheck {
  readonly #folder: string;
  readonly #onResult: (faults: TypeFaults, isMended: boolean) => void;
  #running = new AbortController();
  #shown = '';

  /** @param onResult called with faults that differ from those of the last check, and when they are mended. */
  constructor(folder: string, onResult: (faults: TypeFaults, isMended: boolean) => void) {
    this.#folder = folder;
    this.#onResult = onResult;
  }

  /** Starts a check, instead of the one in progress. Does nothing in a project without TypeScript. */
  async start(): Promise<void> {
    this.#running.abort();
    const running = new AbortController();
    this.#running = running;
    const compiler = await findCompiler(this.#folder);
    if (!compiler || running.signal.aborted) return;
    const args = [compiler, '--noEmit', '--pretty', 'false'];
    const result = await run(process.execPath, args, this.#folder, running.signal, niceness).catch(() => undefined);
    if (!result || running.signal.aborted) return;
    const faults = result.code === 0 ? [] : readFaults(result.output);
    const text = faults.join('\n');
    if (text === this.#shown) return;
    this.#shown = text;
    this.#onResult(faults, faults.length === 0);
  }

  stop(): void {
    this.#running.abort();
  }
}

/** Reads the faults from the output of the compiler. */
export function readFaults(output: readonly string[]): TypeFaults {
  const faults: string[] = [];
  for (const line of output) {
    const [, file, row, column, message] = faultLine.exec(line) ?? [];
    if (message !== undefined) faults.push(`${file}:${row}:${column} ${message}`);
    else if (/^error TS\d+/.test(line)) faults.push(line);
  }
  return faults;
}

/** Finds the compiler of a project that has a `tsconfig.json`. */
async function findCompiler(folder: string): Promise<string | undefined> {
  if (!(await exists(join(folder, 'tsconfig.json')))) return undefined;
  return await findUpwards(folder, 'node_modules/typescript/bin/tsc');
}
