import { once } from 'node:events';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Child } from '../child.ts';
import { sharedNow } from '../processes/commands.ts';
import type { PluginCommands } from '../processes/plugin.ts';
import type { StartedOperatorCommands } from '../processes/started-operator.ts';
import { tableManifest, tableName } from '../processes/tables.ts';

/** How far an operator had come when, in milliseconds from the spawn of its process. */
export interface OperatorStart {
  /** Its ports are open, and its resources known. */
  delegating: number;
  /** A first pass has ended with the report that a plugin is awaited. */
  reported: number;
  /** A plugin is called for the first time. */
  called: number;
  /** A plugin has been called for every resource. */
  calledForAll: number;
}

/** A directory that is removed when it is disposed of. */
export function temporaryDirectory(): ReturnType<typeof mkdtempDisposable> {
  return mkdtempDisposable(join(tmpdir(), 'kplug-bench-'));
}

/**
 * Starts an operator on a directory of resources, while a plugin waits for it to listen.
 *
 * @param compileCache where Node.js keeps what it compiled. Default: it compiles everything anew.
 */
export async function startOperator(resources: number, compileCache = ''): Promise<OperatorStart> {
  await using directory = await temporaryDirectory();
  for (let index = 0; index < resources; index++) {
    await writeFile(join(directory.path, `${tableName(index)}.json`), JSON.stringify(tableManifest(index, 0)));
  }
  const controller = `127.0.0.1:${await freePort()}`;
  await using plugin = new Child<PluginCommands>(new URL('../processes/plugin.ts', import.meta.url));
  // Answered when the plugin's process has loaded everything.
  await plugin.ask('calls');
  const identity = { name: 'Preferred', instanceId: 'preferred' };
  const serving = plugin.ask('serveWhenOpen', { controller, recording: true, ...identity });
  const startedAt = sharedNow();
  await using operator = new Child<StartedOperatorCommands>(
    new URL('../processes/started-operator.ts', import.meta.url),
    {
      env: {
        BENCH_DIRECTORY: directory.path,
        BENCH_HEARTBEAT_ADDRESS: controller,
        NODE_COMPILE_CACHE: compileCache,
      },
    },
  );
  const { delegating, reported } = await operator.ask('marks');
  await serving;
  while ((await plugin.ask('calls')) < resources) await sleep(5);
  const calls = (await plugin.ask('arrivals')).map(({ at }) => at);
  return {
    delegating: delegating - startedAt,
    reported: reported - startedAt,
    called: Math.min(...calls) - startedAt,
    calledForAll: Math.max(...calls) - startedAt,
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
