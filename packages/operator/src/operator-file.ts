import './require-node.ts';

import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Content of `operator.json` in the folder of the states, by which tools find an operator that runs on a directory. */
export interface OperatorFile {
  pid: number;
  /** Address that receives heartbeats, as `host:port`. */
  heartbeatAddress: string;
  /** Address of the admin port, as `host:port`. */
  adminAddress: string;
}

/** Returns the path of the operator file of a directory. @param stateDir folder of the states. Default: `.kplug` in the directory. */
export function operatorFileOf(directory: string, stateDir?: string): string {
  return join(stateDir ?? join(directory, '.kplug'), 'operator.json');
}

/** Writes the operator file atomically. */
export async function writeOperatorFile(directory: string, content: OperatorFile, stateDir?: string): Promise<void> {
  const file = operatorFileOf(directory, stateDir);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(`${file}.${content.pid}`, `${JSON.stringify(content, null, 2)}\n`);
  await rename(`${file}.${content.pid}`, file);
}

/** Removes the operator file. */
export async function removeOperatorFile(directory: string, stateDir?: string): Promise<void> {
  await rm(operatorFileOf(directory, stateDir), { force: true });
}
