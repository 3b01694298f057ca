import { mkdtemp, open, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Controller, formatKey } from '@kplug/controller';
import { type DirectoryResources, openDirectory } from '@kplug/controller/directory';
import { pino } from 'pino';
import { serveCommands, sharedNow } from './commands.ts';
import { apiVersion, kind, tableManifest, tableName } from './tables.ts';

const logger = pino({ level: 'error' });
const tables = { name: 'tables', base: { apiVersion, kind }, api: 'DatabaseTable@^1.0.0' };

/** Number of concurrent passes of a delegation. */
const concurrency = 32;

let folder = '';
let resources: DirectoryResources | undefined;
let controller: Controller | undefined;

const commands = {
  /** Makes a directory with a resource in each file. */
  async make(count: number): Promise<void> {
    folder = await mkdtemp(join(tmpdir(), 'kplug-bench-'));
    for (let index = 0; index < count; index++) {
      await writeFile(join(folder, `${tableName(index)}.json`), JSON.stringify(tableManifest(index, 0)));
    }
  },

  remove: () => rm(folder, { recursive: true }),

  /** Opens the directory and starts a controller. Returns its address, the time before, and the memory that was in use then. */
  async start(): Promise<{ address: string; startedAt: number; memory: number }> {
    const memory = usedMemory();
    const startedAt = sharedNow();
    resources = await openDirectory({ directory: folder, logger });
    controller = new Controller({
      resources,
      delegations: [tables],
      heartbeatAddress: '127.0.0.1:0',
      adminAddress: false,
      logger,
    });
    await controller.start();
    return { address: controller.heartbeatAddress, startedAt, memory };
  },

  /** Waits until all states are written. Returns the memory in use. */
  async settle(): Promise<number> {
    await controller?.whenIdle();
    return usedMemory();
  },

  stop: () => controller?.stop(),

  /** Stores a finalizer and a status of each resource, as passes do. Returns the duration in milliseconds. */
  async store(count: number): Promise<number> {
    const opened = await openDirectory({ directory: folder, logger });
    await opened.follow({ apiVersion, kind }, () => undefined);
    const duration = await timeAll(count, async (index) => {
      const key = formatKey({ apiVersion, kind, namespace: 'default', name: tableName(index) });
      const options = { uid: opened.get(key)?.metadata.uid ?? '', fieldManager: 'kplug/tables' };
      await opened.addFinalizer(key, 'kplug.dev/tables', options);
      await opened.applyStatus(key, statusOf(index), options);
    });
    await opened.close();
    return duration;
  },

  /** Replaces a synced file twice for each resource, with the same content. Returns the duration in milliseconds. */
  async storeInFiles(count: number): Promise<number> {
    return timeAll(count, async (index) => {
      const file = join(folder, `${tableName(index)}.state`);
      const state = { ...tableManifest(index, 0), finalizers: ['kplug.dev/tables'] };
      await replaceSynced(file, JSON.stringify(state));
      await replaceSynced(file, JSON.stringify({ ...state, status: statusOf(index) }));
    });
  },
};

export type DirectoryCommands = typeof commands;

serveCommands(commands);

function statusOf(index: number) {
  return { rows: index, conditions: [{ type: 'Ready', status: 'True', reason: 'Ready', message: 'reconciled' }] };
}

/** Does some work for each index, as many as passes at a time. */
async function timeAll(count: number, work: (index: number) => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  let next = 0;
  const worker = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  return performance.now() - startedAt;
}

async function replaceSynced(file: string, content: string): Promise<void> {
  await using handle = await open(`${file}.tmp`, 'w');
  await handle.writeFile(content);
  await handle.sync();
  await rename(`${file}.tmp`, file);
  await using parent = await open(dirname(file), 'r');
  await parent.sync();
}

function usedMemory(): number {
  globalThis.gc?.();
  return process.memoryUsage().rss;
}
