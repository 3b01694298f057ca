import { readUpTo } from '@kplug/controller/tools';
import { type OperatorFile, operatorFileOf } from '@kplug/operator/operator-file';
import { CommandError } from '../command-error.ts';

/** Maximum size of the file, in bytes. */
const maxSize = 65_536;

/** Reads the file of a running operator; `undefined` when there is none. Rejects with a `CommandError` when it is malformed. */
export async function readOperatorFile(
  directory: string,
  stateDir: string | undefined,
): Promise<OperatorFile | undefined> {
  const file = operatorFileOf(directory, stateDir);
  let text: string | undefined;
  try {
    text = (await readUpTo(file, maxSize))?.toString();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
  const content = text === undefined ? undefined : parse(text);
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
