import { readFile } from 'node:fs/promises';
import { CommandError } from '../command-error.ts';

/** Reads the file of an option. Rejects with a `CommandError`. */
export async function readOptionFile(option: string, file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (cause) {
    throw new CommandError('usage', `the file of ${option} can't be read: ${(cause as Error).message}`, { cause });
  }
}
