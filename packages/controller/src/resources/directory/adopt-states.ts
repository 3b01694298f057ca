import { join } from 'node:path';
import type { Logger } from 'pino';
import { KplugError } from '../../errors.ts';
import { readLockFile } from './lock-file.ts';
import { observeLock } from './lock-observation.ts';
import { readStates, type States } from './read-states.ts';
import type { ResourceState } from './state-file.ts';
import { stateFolderOf } from './state-folder.ts';

/**
 * Returns the states in the default folder of a directory for a state directory that has none, as an operator used the default folder
 * before. They are not changed. Rejects with `InvalidConfiguration` while an operator uses them.
 */
export async function adoptStates(directory: string, own: States, logger: Logger): Promise<ResourceState[]> {
  if (own.states.length > 0 || own.journal.size !== undefined || own.corrupt.length > 0) return [];
  const folder = stateFolderOf(directory);
  const file = join(folder, 'lock');
  const lock = await readLockFile(file);
  if (lock && (await observeLock(file, lock, { isHeldHere: () => false })) === 'held') {
    const operator = lock.holder ? `process ${lock.holder.pid} on ${lock.holder.host}` : 'another process';
    const message = `${directory} is in use by another operator without a state directory, ${operator}. Stop that operator first.`;
    throw new KplugError('InvalidConfiguration', message);
  }
  const { states } = await readStates(folder);
  if (states.length === 0) return [];
  logger.info(
    { states: states.length },
    `The states in ${folder} were copied to the state directory. That folder is no longer used.`,
  );
  return states;
}
