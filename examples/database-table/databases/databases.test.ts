import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createConnection } from 'mariadb';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { installMariaDb } from './install-mariadb.ts';
import { startMariaDb } from './mariadb.ts';
import { startPostgres } from './postgres.ts';
import { startServer } from './server-process.ts';

await installMariaDb(console.error);

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'kplug-databases-'));
  // World-writable like /tmp, as PostgreSQL runs as another user if this runs as root.
  chmodSync(directory, 0o1777);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(directory, { recursive: true, force: true });
});

describe.each([
  { name: 'startPostgres', start: startPostgres, file: 'postgres.ts' },
  { name: 'startMariaDb', start: startMariaDb, file: 'mariadb.ts' },
])('$name', ({ name, start, file }) => {
  it('listens on the loopback interface, and leaves nothing behind after stop', async () => {
    vi.stubEnv('TMPDIR', directory);
    const server = await start();
    const port = portOf(server.env);
    expect(await listens(port)).toBe(true);
    await server.stop();
    await server.stop();
    expect(await listens(port)).toBe(false);
    expect(readdirSync(directory)).toEqual([]);
  });

  it('leaves nothing behind if its parent process is killed', async () => {
    const child = run(`const { ${name} } = await import('${urlOf(file)}');
      console.log(JSON.stringify((await ${name}()).env));`);
    const port = portOf(JSON.parse(await firstLine(child)));
    expect(await listens(port)).toBe(true);
    child.kill('SIGKILL');
    await expect.poll(() => listens(port)).toBe(false);
    await expect.poll(() => readdirSync(directory)).toEqual([]);
  });
});

describe('startServer', () => {
  const serverDirectory = () => mkdtempSync(join(directory, 'server-'));
  const start = (prepare: string[], serve: string[]) =>
    startServer({ directory: serverDirectory(), prepare, serve, ready: /ready/, stopSignal: 'KILL' });

  it.each(['SIGINT', 'SIGTERM', 'SIGKILL', 'a crash'] as const)('ends its server on %s', async (end) => {
    const options = {
      directory: serverDirectory(),
      prepare: ['true'],
      serve: ['sh', '-c', 'echo ready; exec sleep 600'],
      stopSignal: 'KILL',
    };
    const child = run(`const { startServer } = await import('${urlOf('server-process.ts')}');
      await startServer({ ...${JSON.stringify(options)}, ready: /ready/ });
      process.stdin.once('data', () => { throw new Error('a crash'); });
      console.log('started');`);
    await firstLine(child);
    if (end === 'a crash') child.stdin?.write('now\n');
    else child.kill(end);
    await expect.poll(() => readdirSync(directory)).toEqual([]);
  });

  it('leaves nothing behind if it is killed while the data is prepared', async () => {
    const options = { directory: serverDirectory(), serve: ['sleep', '600'], stopSignal: 'KILL' };
    const prepare = [
      'sh',
      '-c',
      `touch '${directory}/preparing'; while [ -e '${directory}/preparing' ]; do sleep 0.1; done`,
    ];
    const child = run(`const { startServer } = await import('${urlOf('server-process.ts')}');
      await startServer({ ...${JSON.stringify({ ...options, prepare })}, ready: /ready/ });`);
    await expect.poll(() => existsSync(join(directory, 'preparing'))).toBe(true);
    child.kill('SIGKILL');
    await once(child, 'exit');
    rmSync(join(directory, 'preparing'));
    await expect.poll(() => readdirSync(directory)).toEqual([]);
  });

  it('reports the output of a server that fails to start, and removes its folder', async () => {
    await expect(start(['true'], ['sh', '-c', 'echo "it\'s broken" >&2; exit 1'])).rejects.toThrow(
      /^sh exited before it was ready\. Output:\nit's broken/,
    );
    await expect(start(['sh', '-c', 'echo no room; exit 1'], ['sleep', '60'])).rejects.toThrow(/no room/);
    expect(readdirSync(directory)).toEqual([]);
  });

  it('removes the folder of a server that exits by itself', async () => {
    const server = await start(['true'], ['sh', '-c', 'echo ready']);
    await expect.poll(() => readdirSync(directory)).toEqual([]);
    await server.stop();
  });
});

it('has a separate folder for temporary tables', async () => {
  vi.stubEnv('TMPDIR', directory);
  const { env, stop } = await startMariaDb();
  onTestFinished(stop);
  const [host, port, user] = [env.MARIADB_HOST, Number(env.MARIADB_PORT), env.MARIADB_USER];
  const db = await createConnection({ host, port, user, password: env.MARIADB_PASSWORD });
  const [row] = await db.query<{ tmpdir: string }[]>('SELECT @@tmpdir AS tmpdir');
  await db.end();
  expect(row?.tmpdir).toMatch(/kplug-mariadb-/);
});

/** Runs a script in a process with `directory` for its temporary files. The process is killed after the test. */
function run(script: string): ChildProcess {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    env: { ...process.env, TMPDIR: directory },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

function urlOf(file: string): string {
  return new URL(file, import.meta.url).href;
}

function portOf(env: Record<string, string>): number {
  return Number(env.PGPORT ?? env.MARIADB_PORT);
}

async function firstLine(child: ChildProcess): Promise<string> {
  let text = '';
  child.stdout?.on('data', (chunk) => {
    text += chunk;
  });
  await Promise.race([
    vi.waitUntil(() => text.includes('\n')),
    once(child, 'exit').then(() => Promise.reject(new Error('The process exited before its database was ready.'))),
  ]);
  return text;
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
