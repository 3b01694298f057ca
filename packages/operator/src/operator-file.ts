import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

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
