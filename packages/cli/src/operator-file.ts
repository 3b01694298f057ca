import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CommandError } from './command-error.ts';

/** How an operator that runs on a directory is found: what stands in `.kplug/operator.json` there while it runs. */
export interface OperatorFile {
  pid: number;
  /** Where plugins beat to, as `host:port`. */
  heartbeatAddress: string;
  /** Where the admin port is, as `host:port`. */
  adminAddress: string;
}

/** Where an operator on a directory leaves word of itself. */
export function operatorFileOf(directory: string): string {
  return join(directory, '.kplug', 'operator.json');
}

/** Leaves word of an operator, at once and whole. */
export async function writeOperatorFile(directory: string, content: OperatorFile): Promise<void> {
  const file = operatorFileOf(directory);
  await mkdir(join(directory, '.kplug'), { recursive: true });
  await writeFile(`${file}.${content.pid}`, `${JSON.stringify(content, null, 2)}\n`);
  await rename(`${file}.${content.pid}`, file);
}

/** Takes the word back. */
export async function removeOperatorFile(directory: string): Promise<void> {
  await rm(operatorFileOf(directory), { force: true });
}

/** Reads what an operator left; `undefined` where there is none. Rejects with a `CommandError` when it is malformed. */
export async function readOperatorFile(directory: string): Promise<OperatorFile | undefined> {
  const file = operatorFileOf(directory);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
  const content = parse(text);
  if (content) return content;
  throw new CommandError('usage', `${file} is malformed; delete it, or name the operator's admin port with --admin`);
}

function parse(text: string): OperatorFile | undefined {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof content !== 'object' || content === null) return undefined;
  const { pid, heartbeatAddress, adminAddress } = content as Record<string, unknown>;
  const isSound = Number.isInteger(pid) && typeof heartbeatAddress === 'string' && typeof adminAddress === 'string';
  return isSound ? (content as OperatorFile) : undefined;
}
