import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** What a program prints; `undefined` when there is no such program or it fails. */
export async function ask(program: string, args: readonly string[], cwd?: string): Promise<string | undefined> {
  const answer = await execute(program, args, { cwd }).catch(() => undefined);
  return answer?.stdout;
}

/** Says that `what` is skipped because a toolchain is missing. In CI, where it must not be, throws. */
export function skipWithout(toolchain: string, what: string): undefined {
  const complaint = `${what}: there is no ${toolchain} on PATH that works. Install it to have them.`;
  if (process.env.CI) throw new Error(complaint);
  console.error(`SKIPPED ${complaint}`);
  return undefined;
}
