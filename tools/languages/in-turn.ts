import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';

/** Runs work that only one process may do in a folder at a time. A process that dies releases its lock. */
export async function inTurn<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const name = createHash('sha256').update(folder).digest('hex').slice(0, 16);
  // The system releases SQLite's locks when the process ends.
  const lock = new DatabaseSync(join(tmpdir(), `kplug-turn-${name}.sqlite`), { timeout: 0 });
  try {
    while (!tryLock(lock)) await sleep(200);
    return await work();
  } finally {
    lock.close();
  }
}

function tryLock(lock: DatabaseSync): boolean {
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
