import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** Standard output of a program; `undefined` when it does not exist or fails. */
export async function ask(program: string, args: readonly string[], cwd?: string): Promise<string | undefined> {
  const answer = await execute(program, args, { cwd }).catch(() => undefined);
  return answer?.stdout;
}

/** Prints that `what` is skipped because a toolchain is missing. In CI, throws. */
export function skipWithout(toolchain: string, what: string): undefined {
  const message = `${what}: no working ${toolchain} on PATH; install it`;
  if (process.env.CI) throw new Error(message);
  console.error(`SKIPPED ${message}`);
  return undefined;
}
