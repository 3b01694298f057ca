import { retry, terminal } from '@kplug/sdk';
import { type Connection, createConnection, SqlError } from 'mariadb';

/** Opens a connection for one pass, and closes it afterwards. The variables `MARIADB_*` configure the server. */
export async function withConnection<T>(work: (db: Connection) => Promise<T>): Promise<T> {
  const env = process.env;
  let db: Connection | undefined;
  try {
    db = await createConnection({
      ...(env.MARIADB_SOCKET ? { socketPath: env.MARIADB_SOCKET } : { host: env.MARIADB_HOST ?? '127.0.0.1' }),
      port: Number(env.MARIADB_PORT ?? 3306),
      user: env.MARIADB_USER ?? 'root',
      password: env.MARIADB_PASSWORD ?? '',
      database: env.MARIADB_DATABASE ?? 'kplug',
      connectTimeout: 5000,
      bigIntAsNumber: true,
      sessionVariables: {
        // Rejects values that MariaDB would otherwise convert silently.
        sql_mode: 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,NO_ZERO_DATE,NO_ZERO_IN_DATE',
        // In seconds. Other statements queue behind one that waits for a lock, so it gives up soon and is retried.
        lock_wait_timeout: 2,
        // Conversions between `timestamp` of other clients and `datetime` depend on it.
        time_zone: '+00:00',
      },
    });
    return await work(db);
  } catch (error) {
    throw toPluginError(error);
  } finally {
    await db?.end();
  }
}

/** Quotes a name for a statement. */
export function quote(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}

/** Converts an error of a statement for the user. `attempt` describes the statement. A duplicate is hidden if the key may be a secret. */
export function toPluginError(error: unknown, attempt?: string, isKeySecret = false): unknown {
  // A system error, not a response of the server.
  if (error instanceof Error && 'syscall' in error) {
    return retry(`MariaDB can't be reached: ${error.message}.`, { reason: 'DatabaseUnavailable', cause: error });
  }
  if (!(error instanceof SqlError)) return error;
  const { errno, sqlState } = error;
  const text = isKeySecret && errno === duplicateKey ? 'Duplicate value of the primary key' : error.sqlMessage;
  const message = [attempt, text ?? error.message].filter(Boolean).join(': ');
  const options = (reason: string) => ({ reason, cause: error });
  if (refusals.access.has(errno)) return retry(`${message}.`, options('AccessDenied'));
  if (refusals.busy.has(errno)) return retry(`${message}.`, options('DatabaseBusy'));
  if (error.fatal || refusals.unavailable.has(errno) || sqlState?.startsWith('08')) {
    return retry(`MariaDB can't be reached: ${message}.`, options('DatabaseUnavailable'));
  }
  if (refusals.data.has(errno) || /^2[23]/.test(sqlState ?? '')) {
    return terminal(
      `${message}. Nothing was changed. Correct the data or the columns, then edit this resource.`,
      options('DataDoesNotFit'),
    );
  }
  return terminal(`${message}. Nothing was changed.`, options('StatementRefused'));
}

const duplicateKey = 1062;

// Error numbers of the server, as most SQL states are just HY000.
const refusals = {
  /** Wrong password, unknown database, missing privilege. An administrator can correct it at any time. */
  access: new Set([1044, 1045, 1049, 1142, 1227, 1698]),
  /** Lock wait timeout, deadlock. */
  busy: new Set([1205, 1213]),
  /** Too many connections, shutting down, disk full, table full, read only. */
  unavailable: new Set([1040, 1053, 1021, 1114, 1203, 1290, 1836, 1927]),
  /** Data can't be converted, or violates a constraint. */
  data: new Set([duplicateKey, 1138, 1264, 1265, 1292, 1366, 1406, 4025]),
};
