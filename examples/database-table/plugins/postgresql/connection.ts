import { PluginError, retry, terminal } from '@kplug/sdk';
import pg from 'pg';
import { mayBeSecret } from '../../misfits.ts';

/** Opens a connection for one pass, and closes it afterwards. `DATABASE_URL` or the variables `PG*` configure the server. */
export async function withConnection<T>(work: (db: pg.Client) => Promise<T>): Promise<T> {
  const { DATABASE_URL } = process.env;
  const db = new pg.Client({
    ...(DATABASE_URL && { connectionString: DATABASE_URL }),
    application_name: 'kplug',
    connectionTimeoutMillis: 5000,
    // Other statements queue behind one that waits for a lock, so it gives up soon and is retried.
    lock_timeout: 2000,
  });
  // A broken connection makes the current or next query fail. Without a listener, the event would also exit the process.
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

/** Does some work in a transaction. */
export async function inTransaction<T>(db: pg.Client, work: () => Promise<T>): Promise<T> {
  // Each statement sees the rows that were committed before it, whatever the default of the server.
  await db.query('BEGIN ISOLATION LEVEL READ COMMITTED');
  try {
    const result = await work();
    await db.query('COMMIT');
    return result;
  } catch (error) {
    // Fails on a broken connection, for which the server rolls back.
    await db.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

/** Converts an error of a statement for the user. `attempt` describes the statement. */
export function toPluginError(error: unknown, attempt?: string): unknown {
  if (error instanceof PluginError) return error;
  const message = [attempt, describeError(error)].filter(Boolean).join(': ');
  if (!(error instanceof pg.DatabaseError)) {
    // Not a response of the server.
    return isConnectionError(error)
      ? retry(`PostgreSQL can't be reached: ${message}.`, { reason: 'DatabaseUnavailable', cause: error })
      : error;
  }
  const code = error.code ?? '';
  const matches = (...prefixes: string[]) => prefixes.some((prefix) => code.startsWith(prefix));
  // Connection lost, resources exhausted, server stopping or starting.
  if (matches('08', '53', '57')) return retry(`${message}.`, { reason: 'DatabaseUnavailable', cause: error });
  // Deadlock, serialization failure, lock not available.
  if (matches('40', '55P03')) return retry(`${message}.`, { reason: 'DatabaseBusy', cause: error });
  // Wrong password, unknown database, missing privilege. An administrator can correct it at any time.
  if (matches('28', '3D', '42501')) return retry(`${message}.`, { reason: 'AccessDenied', cause: error });
  // Data can't be converted, or violates the primary key.
  if (matches('22', '23')) {
    return terminal(`${message}. Nothing was changed. Correct the data or the columns, then edit this resource.`, {
      reason: 'DataDoesNotFit',
      cause: error,
    });
  }
  return terminal(`${message}. Nothing was changed.`, { reason: 'StatementRefused', cause: error });
}

function describeError(error: unknown): string {
  // The error for several addresses of a host has no message.
  if (error instanceof AggregateError) return error.errors.map(describeError).join('; ');
  if (error instanceof pg.DatabaseError) {
    // Shows the values of the key.
    const columns = /^Key \((.*?)\)=/.exec(error.detail ?? '')?.[1];
    const detail = columns !== undefined && mayBeSecret(columns) ? undefined : error.detail;
    return [error.message, detail].filter(Boolean).join('; ');
  }
  return error instanceof Error ? error.message : String(error);
}

function isConnectionError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return 'syscall' in error || error instanceof AggregateError || /connection|timeout/i.test(error.message);
}
