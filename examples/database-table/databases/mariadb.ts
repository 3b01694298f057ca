import { randomBytes } from 'node:crypto';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findMariaDb, mariaDbMissing } from './mariadb-programs.ts';
import { freePort, startServer } from './server-process.ts';

/** A MariaDB server with an empty database, which is gone when it is stopped. */
export interface MariaDb {
  /** The environment variables by which the MariaDB plugin finds it. */
  env: {
    MARIADB_HOST: string;
    MARIADB_PORT: string;
    MARIADB_USER: string;
    MARIADB_PASSWORD: string;
    MARIADB_DATABASE: string;
  };
  /** Ends the server and removes its data. May be called again. */
  stop(): Promise<void>;
}

/** Starts the MariaDB of this machine on a free port of the loopback interface. Rejects with `mariaDbMissing` without one. */
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
    // In a folder that servers share, each that starts removes the temporary tables of the others.
    `--tmpdir=${directory}`,
    // This and what else is for speed below: the data needn't outlive the machine.
    '--debug-no-sync',
  ];
  const { stop } = await startServer({
    directory,
    prepare: [
      ...[programs.installDb, ...common, '--skip-test-db'],
      // Its root user may come in by the operating system's root only, without a password.
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
