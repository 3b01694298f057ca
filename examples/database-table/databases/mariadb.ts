import { randomBytes } from 'node:crypto';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findMariaDb, mariaDbMissing } from './mariadb-programs.ts';
import { freePort, startServer } from './server-process.ts';

/** Temporary MariaDB server with an empty database. */
export interface MariaDb {
  /** Environment variables of the MariaDB plugin for this server. */
  env: {
    MARIADB_HOST: string;
    MARIADB_PORT: string;
    MARIADB_USER: string;
    MARIADB_PASSWORD: string;
    MARIADB_DATABASE: string;
  };
  /** Stops the server and removes its data. Idempotent. */
  stop(): Promise<void>;
}

/** Starts the installed or cached MariaDB on a free port of the loopback interface. Rejects with `mariaDbMissing` if there is none. */
export async function startMariaDb(): Promise<MariaDb> {
  const programs = findMariaDb();
  if (!programs) throw new Error(mariaDbMissing);
  const directory = await mkdtemp(join(tmpdir(), 'kplug-mariadb-'));
  const data = join(directory, 'data');
  const password = randomBytes(12).toString('hex');
  const setUp = join(directory, 'set-up.sql');
  const statements = [
    'CREATE DATABASE kplug',
    `CREATE USER kplug@'127.0.0.1' IDENTIFIED BY '${password}'`,
    "GRANT ALL ON kplug.* TO kplug@'127.0.0.1'",
  ];
  await writeFile(setUp, statements.map((statement) => `${statement};\n`).join(''), { mode: 0o600 });

  const port = await freePort();
  const common = [
    ...['--no-defaults', ...programs.args, `--datadir=${data}`, ...(process.getuid?.() === 0 ? ['--user=root'] : [])],
    // In a shared folder, a server that starts would remove the temporary tables of the others.
    `--tmpdir=${directory}`,
    // For speed, as are other options below: the data need not survive a crash.
    '--debug-no-sync',
  ];
  const { stop } = await startServer({
    directory,
    prepare: [
      ...[programs.installDb, ...common, '--skip-test-db'],
      // Only root of the operating system may log in as root.
      '--auth-root-authentication-method=socket',
    ],
    serve: [
      ...[programs.mariadbd, ...common, `--init-file=${setUp}`],
      ...[`--port=${port}`, '--bind-address=127.0.0.1', '--skip-name-resolve', `--socket=${join(directory, 'socket')}`],
      `--pid-file=${join(directory, 'pid')}`,
      ...['--innodb-flush-log-at-trx-commit=0', '--innodb-doublewrite=0', '--innodb-log-file-size=8M'],
      // Without TLS, newer versions don't make an RSA key at each start, which takes seconds of processor time.
      ...['--innodb-buffer-pool-size=16M', '--performance-schema=OFF', '--skip-ssl'],
    ],
    ready: /ready for connections/,
    stopSignal: 'KILL',
  });
  return {
    env: {
      MARIADB_HOST: '127.0.0.1',
      MARIADB_PORT: String(port),
      MARIADB_USER: 'kplug',
      MARIADB_PASSWORD: password,
      MARIADB_DATABASE: 'kplug',
    },
    stop,
  };
}
