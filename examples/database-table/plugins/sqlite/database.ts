import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { PluginError, retry, terminal } from '@kplug/sdk';

/** The file of a server: `serverName.sqlite` in the folder `SQLITE_DIRECTORY`. */
export function fileOf(serverName: string): string {
  return join(process.env.SQLITE_DIRECTORY ?? '.', `${serverName}.sqlite`);
}

/** Opens a server's file for one pass, and does the work in a transaction: wholly, or not at all. */
export function inTransaction<T>(file: string, work: (db: DatabaseSync) => T): T {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(file, {
      // Milliseconds. As waiting for a lock stops the whole process, its heartbeats too, it is rather tried again.
      timeout: 100,
      // A table that is made anew is dropped for a moment, which foreign keys would forbid.
      enableForeignKeyConstraints: false,
    });
    // Taking the lock at once makes two instances of this plugin, an old and a new one, wait for each other.
    db.exec('BEGIN IMMEDIATE');
    const result = work(db);
    db.exec('COMMIT');
    return result;
  } catch (error) {
    throw toPluginError(error, file);
  } finally {
    // Without COMMIT this rolls back.
    db?.close();
  }
}

/** Puts a name into a statement. */
export function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

// SQLite's primary result codes: https://sqlite.org/rescode.html
const busy = [5, 6];
const unavailable = [8, 10, 13, 14];
const dataDoesNotFit = [19, 20];

function toPluginError(error: unknown, file: string): unknown {
  if (error instanceof PluginError || !isSqliteError(error)) return error;
  const code = error.errcode & 0xff;
  const message = `SQLite file ${file}: ${error.message}.`;
  const options = (reason: string) => ({ reason, cause: error });
  if (busy.includes(code)) return retry(message, options('DatabaseBusy'));
  if (unavailable.includes(code)) return retry(message, options('DatabaseUnavailable'));
  if (dataDoesNotFit.includes(code)) {
    return terminal(
      `${message} Nothing was changed. Correct the data or choose otherwise, then edit this resource.`,
      options('DataDoesNotFit'),
    );
  }
  return terminal(`${message} Nothing was changed.`, options('StatementRefused'));
}

function isSqliteError(error: unknown): error is Error & { errcode: number } {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number';
}
