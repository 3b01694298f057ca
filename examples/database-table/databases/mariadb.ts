import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { freePort, startServer } from './server-process.ts';

/** Temporary MariaDB server with an empty database. */
export interface MariaDb {
  /** Command that opens the database in MariaDB's client, which reads the password from the variable `MYSQL_PWD`. */
  client: string;
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

/** Message that says how to install MariaDB. */
export const mariaDbMissing =
  'MariaDB is not installed: neither mariadbd nor mariadb-install-db was found. ' +
  'Install it with `apt-get install mariadb-server` (Debian, Ubuntu) or `brew install mariadb` (macOS).';

/** Finds the programs of MariaDB; `undefined` if it is not installed. */
export function findMariaDb(): { mariadbd: string; installDb: string } | undefined {
  // Debian installs servers in folders that are not in the PATH of every user.
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  const find = (program: string) => folders.map((folder) => join(folder, program)).find((path) => existsSync(path));
  const mariadbd = find('mariadbd');
  const installDb = find('mariadb-install-db');
  return mariadbd && installDb ? { mariadbd, installDb } : undefined;
}

/** Starts the installed MariaDB on a free port of the loopback interface. Rejects with `mariaDbMissing` if there is none. */
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
    ...['--no-defaults', `--datadir=${data}`, ...(process.getuid?.() === 0 ? ['--user=root'] : [])],
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
      ...['--innodb-buffer-pool-size=16M', '--performance-schema=OFF'],
    ],
    ready: /ready for connections/,
    stopSignal: 'KILL',
  });
  return {
    client: `mariadb --host=127.0.0.1 --port=${port} --user=kplug kplug`,
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
