import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { PluginError, retry, terminal } from '@kplug/sdk';

/** Path of the file of a server: `serverName.sqlite` in the folder `SQLITE_DIRECTORY`. */
export function fileOf(serverName: string): string {
  return join(process.env.SQLITE_DIRECTORY ?? '.', `${serverName}.sqlite`);
}

/** Opens the file of a server for one pass, and does some work in a transaction. */
export function inTransaction<T>(file: string, work: (db: DatabaseSync) => T): T {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(file, {
      // In milliseconds. Waiting for a lock blocks the process and its heartbeats, so the call is retried instead.
      timeout: 100,
      // A table that is replaced is dropped for a moment, which foreign keys would prevent.
      enableForeignKeyConstraints: false,
    });
    // With an immediate lock, concurrent instances of this plugin wait for each other.
    db.exec('BEGIN IMMEDIATE');
    const result = work(db);
    db.exec('COMMIT');
    return result;
  } catch (error) {
    throw toPluginError(error, file);
  } finally {
    // Closing without COMMIT rolls back.
    db?.close();
  }
}

/** Quotes a name for a statement. */
export function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

// Primary result codes of SQLite: https://sqlite.org/rescode.html
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
      `${message} Nothing was changed. Correct the data or the columns, then edit this resource.`,
      options('DataDoesNotFit'),
    );
  }
  return terminal(`${message} Nothing was changed.`, options('StatementRefused'));
}

function isSqliteError(error: unknown): error is Error & { errcode: number } {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number';
}
