import './require-node.ts';

import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Content of `.kplug/operator.json`, by which tools find an operator that runs on a directory. */
export interface OperatorFile {
  pid: number;
  /** Address that receives heartbeats, as `host:port`. */
  heartbeatAddress: string;
  /** Address of the admin port, as `host:port`. */
  adminAddress: string;
}

/** Returns the path of the operator file of a directory. */
export function operatorFileOf(directory: string): string {
  return join(directory, '.kplug', 'operator.json');
}

/** Writes the operator file atomically. */
export async function writeOperatorFile(directory: string, content: OperatorFile): Promise<void> {
  const file = operatorFileOf(directory);
  await mkdir(join(directory, '.kplug'), { recursive: true });
  await writeFile(`${file}.${content.pid}`, `${JSON.stringify(content, null, 2)}\n`);
  await rename(`${file}.${content.pid}`, file);
}

/** Removes the operator file. */
export async function removeOperatorFile(directory: string): Promise<void> {
  await rm(operatorFileOf(directory), { force: true });
}
