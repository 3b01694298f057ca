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

/** Marks of the start of an operator, in milliseconds after the spawn of its process. */
export interface OperatorStart {
  /** The ports are open, and the resources are loaded. */
  delegating: number;
  /** The first pass has found no plugin. */
  passed: number;
  /** A plugin is called for the first time. */
  called: number;
  /** A plugin has been called for all resources. */
  calledForAll: number;
}

/** Temporary directory. Disposing of it removes it. */
export function temporaryDirectory(): ReturnType<typeof mkdtempDisposable> {
  return mkdtempDisposable(join(tmpdir(), 'kplug-bench-'));
}

const repository = fileURLToPath(new URL('../../', import.meta.url));
const image = join(repository, 'dist/image/operator');

/** Builds the operator as it is deployed. With `force`, it replaces an existing build, which may have other sources. */
export async function buildOperator(force: boolean): Promise<void> {
  if (!force && existsSync(image)) return;
  await promisify(execFile)(process.execPath, ['tools/build-image.ts', 'operator'], { cwd: repository });
}

/**
 * Starts the operator on a directory of resources, while a plugin waits for it to listen. Requires `buildOperator`.
 *
 * @param compileCache folder of the compile cache of Node.js. Default: no cache.
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
  // Resolves when the process of the plugin has loaded its modules.
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
    // Node.js writes the compile cache on a normal exit.
    operator.kill('SIGTERM');
    if (operator.exitCode === null && operator.signalCode === null) await once(operator, 'exit');
  }
}

/** Reads the marks from the log of an operator. Rejects with the log if the operator exits before. */
function marksOf({ stderr }: ChildProcess): Promise<{ delegating: number; passed: number }> {
  if (!stderr) throw new Error('the log of the operator is not piped');
  const { promise, resolve, reject } = Promise.withResolvers<{ delegating: number; passed: number }>();
  const lines: string[] = [];
  let delegating: number | undefined;
  // The log is read to its end, as a full pipe would block the operator.
  createInterface({ input: stderr })
    .on('line', (line) => {
      lines.push(line);
      if (line.includes('"msg":"delegating ')) delegating = sharedNow();
      else if (delegating && line.includes('"resource":')) resolve({ delegating, passed: sharedNow() });
    })
    .on('close', () => reject(new Error(`the operator exited before its first pass:\n${lines.join('\n')}`)));
  return promise;
}
