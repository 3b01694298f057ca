import { Controller } from '@kplug/controller';
import { MemoryResources } from '@kplug/controller/memory';
import { pino } from 'pino';
import { serveCommands } from './commands.ts';
import { apiVersion, kind, tableManifest } from './tables.ts';

const tables = { name: 'tables', base: { apiVersion, kind }, api: 'DatabaseTable@^1.0.0' };

const commands = {
  /** Starts an operator with some resources. Returns the URL of its page when all have had a pass. */
  async start(count: number): Promise<string> {
    const resources = new MemoryResources();
    for (let index = 0; index < count; index++) resources.apply(tableManifest(index, 0));
    const controller = new Controller({
      resources,
      delegations: [tables],
      heartbeatAddress: '127.0.0.1:0',
      adminAddress: '127.0.0.1:0',
      logger: pino({ level: 'silent' }),
    });
    await controller.start();
    await controller.whenIdle();
    return `http://${controller.adminAddress}/`;
  },
};

export type PageOperatorCommands = typeof commands;

serveCommands(commands);
