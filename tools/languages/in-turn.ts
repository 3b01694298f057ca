import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';

/** Does some work that no other process may do in the same folder at the same time. A process that dies gives up its turn. */
export async function inTurn<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const name = createHash('sha256').update(folder).digest('hex').slice(0, 16);
  // What SQLite locks is unlocked by the system when the process ends.
  const lock = new DatabaseSync(join(tmpdir(), `kplug-turn-${name}.sqlite`), { timeout: 0 });
  try {
    while (!isTaken(lock)) await sleep(200);
    return await work();
  } finally {
    lock.close();
  }
}

function isTaken(lock: DatabaseSync): boolean {
  try {
    lock.exec('BEGIN EXCLUSIVE');
    return true;
  } catch (error) {
    if ((error as { errcode?: number }).errcode === sqliteBusy) return false;
    throw error;
  }
}

/** SQLITE_BUSY */
const sqliteBusy = 5;
