import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort } from '@kplug/testing/free-port';
import { Child } from '../child.ts';
import { sharedNow } from '../processes/commands.ts';
import type { PluginCommands } from '../processes/plugin.ts';
import { apiVersion, kind, tableManifest, tableName } from '../processes/tables.ts';

/** How far an operator had come when, in milliseconds from the spawn of its process. */
export interface OperatorStart {
  /** Its ports are open, and its resources known. */
  delegating: number;
  /** A first pass has found that a plugin is awaited. */
  passed: number;
  /** A plugin is called for the first time. */
  called: number;
  /** A plugin has been called for every resource. */
  calledForAll: number;
}

/** A directory that is removed when it is disposed of. */
export function temporaryDirectory(): ReturnType<typeof mkdtempDisposable> {
  return mkdtempDisposable(join(tmpdir(), 'kplug-bench-'));
}

const repository = fileURLToPath(new URL('../../', import.meta.url));
const image = join(repository, 'dist/image/operator');

/** Builds the operator as it is deployed. `anew`: although there is one, which may be of other sources. */
export async function buildOperator(anew: boolean): Promise<void> {
  if (!anew && existsSync(image)) return;
  await promisify(execFile)(process.execPath, ['tools/build-image.ts', 'operator'], { cwd: repository });
}

/**
 * Starts the operator on a directory of resources, while a plugin waits for it to listen. Needs `buildOperator` first.
 *
 * @param compileCache where Node.js keeps what it compiled. Default: it compiles everything anew.
 */
export async function startOperator(resources: number, compileCache = ''): Promise<OperatorStart> {
  await using directory = await temporaryDirectory();
  await using settings = await temporaryDirectory();
  for (let index = 0; index < resources; index++) {
    await writeFile(join(directory.path, `${tableName(index)}.json`), JSON.stringify(tableManifest(index, 0)));
  }
  const delegation = join(settings.path, 'kplug.yaml');
  const tables = { name: 'tables', base: { apiVersion, kind }, api: 'DatabaseTable@^1.0.0' };
  await writeFile(delegation, JSON.stringify({ delegations: [tables] }));
  const controller = `127.0.0.1:${await freePort()}`;
  await using plugin = new Child<PluginCommands>(new URL('../processes/plugin.ts', import.meta.url));
  // Answered when the plugin's process has loaded everything.
  await plugin.ask('calls');
  const identity = { name: 'Preferred', instanceId: 'preferred' };
  const serving = plugin.ask('serveWhenOpen', { controller, recording: true, ...identity });

  const startedAt = sharedNow();
  const what = ['--manifests', directory.path, '--config', delegation];
  const where = ['--grpc-bind-address', controller, '--admin-bind-address', '127.0.0.1:0'];
  const operator = spawn(process.execPath, [image, ...what, ...where, '--log-format', 'json'], {
    env: { NODE_COMPILE_CACHE: compileCache },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  try {
    const { delegating, passed } = await marksOf(operator);
    await serving;
    while ((await plugin.ask('calls')) < resources) await sleep(5);
    const calls = (await plugin.ask('arrivals')).map(({ at }) => at);
    return {
      delegating: delegating - startedAt,
      passed: passed - startedAt,
      called: Math.min(...calls) - startedAt,
      calledForAll: Math.max(...calls) - startedAt,
    };
  } finally {
    // Node.js keeps what it compiled when it ends by itself.
    operator.kill('SIGTERM');
    if (operator.exitCode === null && operator.signalCode === null) await once(operator, 'exit');
  }
}

/** When an operator logged that it works, and what it found first. Rejects with its log when it ends before. */
function marksOf({ stderr }: ChildProcess): Promise<{ delegating: number; passed: number }> {
  if (!stderr) throw new Error("the operator's log isn't read");
  const { promise, resolve, reject } = Promise.withResolvers<{ delegating: number; passed: number }>();
  const lines: string[] = [];
  let delegating: number | undefined;
  // Read to its end, as an operator whose log nobody takes would wait.
  createInterface({ input: stderr })
    .on('line', (line) => {
      lines.push(line);
      if (line.includes('"msg":"delegating ')) delegating = sharedNow();
      else if (delegating && line.includes('"resource":')) resolve({ delegating, passed: sharedNow() });
    })
    .on('close', () => reject(new Error(`the operator ended too early:\n${lines.join('\n')}`)));
  return promise;
}
