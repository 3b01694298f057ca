import { flushCompileCache } from 'node:module';
import { Controller, openDirectory } from '@kplug/controller';
import { pino } from 'pino';
import { serveCommands, sharedNow } from './commands.ts';
import { apiVersion, kind } from './tables.ts';

/** An operator as it is deployed, on resources in a directory, which says when it had come how far. */
const { BENCH_DIRECTORY: directory = '', BENCH_HEARTBEAT_ADDRESS: heartbeatAddress = '' } = process.env;

const logger = pino({ level: 'silent' });
const resources = await openDirectory({ directory, logger });
const reported = Promise.withResolvers<number>();
await resources.follow({ apiVersion, kind }, ({ resource }) => {
  if (resource.status?.conditions) reported.resolve(sharedNow());
});
const controller = new Controller({
  resources,
  delegations: [{ name: 'tables', base: { apiVersion, kind }, api: 'DatabaseTable@^1.0.0' }],
  heartbeatAddress,
  adminAddress: '127.0.0.1:0',
  logger,
});
await controller.start();
const delegatingAt = sharedNow();

const commands = {
  /** When it was ready to work, and when it had first reported the state of a resource. */
  async marks() {
    const reportedAt = await reported.promise;
    // This process will be killed, and what it compiled is otherwise kept when it exits.
    flushCompileCache();
    return { delegating: delegatingAt, reported: reportedAt };
  },
};

export type StartedOperatorCommands = typeof commands;

serveCommands(commands);
