import { readFile } from 'node:fs/promises';
import { type OperatorFile, operatorFileOf } from '@kplug/operator/operator-file';
import { CommandError } from '../command-error.ts';

/** Reads the file of a running operator; `undefined` when there is none. Rejects with a `CommandError` when it is malformed. */
export async function readOperatorFile(
  directory: string,
  stateDir: string | undefined,
): Promise<OperatorFile | undefined> {
  const file = operatorFileOf(directory, stateDir);
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
  throw new CommandError('usage', `${file} is malformed; delete it, or give the operator's admin port with --admin`);
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
  const isValid = Number.isInteger(pid) && typeof heartbeatAddress === 'string' && typeof adminAddress === 'string';
  return isValid ? (content as OperatorFile) : undefined;
}
