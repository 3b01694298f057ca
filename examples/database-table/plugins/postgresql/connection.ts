import { PluginError, retry, terminal } from '@kplug/sdk';
import pg from 'pg';

/** Opens a connection for one pass, which is closed after it; the server is found by `DATABASE_URL` or PostgreSQL's `PG*`. */
export async function withConnection<T>(work: (db: pg.Client) => Promise<T>): Promise<T> {
  const { DATABASE_URL } = process.env;
  const db = new pg.Client({
    ...(DATABASE_URL && { connectionString: DATABASE_URL }),
    application_name: 'kplug',
    connectionTimeoutMillis: 5000,
    // Others queue up behind a change that waits for its lock, so it doesn't wait for long but is tried again.
    lock_timeout: 2000,
  });
  // A connection that breaks makes the query under way fail, or the next one. Without a listener it would end the process.
  db.on('error', () => {});
  try {
    await db.connect();
    return await work(db);
  } catch (error) {
    throw toPluginError(error);
  } finally {
    await db.end();
  }
}

/** Does the work in a transaction: wholly, or not at all. */
export async function inTransaction<T>(db: pg.Client, work: () => Promise<T>): Promise<T> {
  await db.query('BEGIN');
  try {
    const result = await work();
    await db.query('COMMIT');
    return result;
  } catch (error) {
    // On a connection that broke there is nothing to roll back; the server does so by itself.
    await db.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

/** The error of a statement, with what was tried, for the user of the resource. */
export function toPluginError(error: unknown, attempt?: string): unknown {
  if (error instanceof PluginError) return error;
  const message = [attempt, describeError(error)].filter(Boolean).join(': ');
  if (!(error instanceof pg.DatabaseError)) {
    // What isn't from the server is from the way to it, unless it is a mistake in this program.
    return isConnectionError(error)
      ? retry(`PostgreSQL can't be reached: ${message}.`, { reason: 'DatabaseUnavailable', cause: error })
      : error;
  }
  const code = error.code ?? '';
  const matches = (...prefixes: string[]) => prefixes.some((prefix) => code.startsWith(prefix));
  // Connection lost, resources exhausted, stopping or starting.
  if (matches('08', '53', '57')) return retry(`${message}.`, { reason: 'DatabaseUnavailable', cause: error });
  // Deadlock, serialization failure, lock not available.
  if (matches('40', '55P03')) return retry(`${message}.`, { reason: 'DatabaseBusy', cause: error });
  // Wrong password, no such database, no right: whoever runs the server can give it at any time.
  if (matches('28', '3D', '42501')) return retry(`${message}.`, { reason: 'AccessDenied', cause: error });
  // The data doesn't convert, or breaks the primary key.
  if (matches('22', '23')) {
    return terminal(`${message}. Nothing was changed. Correct the data or choose otherwise, then edit this resource.`, {
      reason: 'DataDoesNotFit',
      cause: error,
    });
  }
  return terminal(`${message}. Nothing was changed.`, { reason: 'StatementRefused', cause: error });
}

function describeError(error: unknown): string {
  // Node puts the attempts for each address of a host into one error without a message.
  if (error instanceof AggregateError) return error.errors.map(describeError).join('; ');
  if (error instanceof pg.DatabaseError) return [error.message, error.detail].filter(Boolean).join('; ');
  return error instanceof Error ? error.message : String(error);
}

function isConnectionError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return 'syscall' in error || error instanceof AggregateError || /connection|timeout/i.test(error.message);
}
