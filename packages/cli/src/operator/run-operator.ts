import { Controller, openDirectory, parseDuration, type Resources } from '@kplug/controller';
import type { Logger } from 'pino';
import { CommandError } from '../command-error.ts';
import { readDelegationFile } from '../delegation-file.ts';
import { removeOperatorFile, writeOperatorFile } from '../operator-file.ts';
import type { Terminal } from '../output/terminal.ts';
import { announce } from './announcement.ts';
import { makeLogger } from './logger.ts';
import { untilStopped } from './stop-signals.ts';

/** What the command line says of an operator. */
export interface OperatorOptions {
  manifests: string;
  delegation: string;
  grpcBindAddress: string;
  adminBindAddress: string;
  heartbeatInterval: string;
  ttl?: string;
  logLevel: string;
  logFormat: 'text' | 'json';
}

/** Runs an operator until it is told to stop by SIGTERM or SIGINT. Rejects when it can't start. */
export async function runOperator(options: OperatorOptions, terminal: Terminal): Promise<void> {
  const stopped = untilStopped();
  const lease = readLease(options);
  const delegations = await readDelegationFile(options.delegation);
  const logger = await makeLogger(options, terminal);
  const directory = options.manifests;
  const resources = await openDirectory({ directory, logger });
  const controller = await closingOnFailure(resources, () => {
    const { grpcBindAddress: heartbeatAddress, adminBindAddress: adminAddress } = options;
    return new Controller({ resources, delegations, heartbeatAddress, adminAddress, lease, logger });
  });
  await controller.start();
  try {
    const { heartbeatAddress, adminAddress } = controller;
    await writeOperatorFile(directory, { pid: process.pid, heartbeatAddress, adminAddress });
    if (options.logFormat === 'text') {
      announce({ directory, delegations, heartbeatAddress, adminAddress }, terminal);
    }
    logStop(await stopped, logger);
  } finally {
    // First of all, so that nobody finds an operator that is going.
    await removeOperatorFile(directory);
    await controller.stop();
  }
}

function readLease({ heartbeatInterval, ttl }: OperatorOptions): { interval: number; ttl?: number } {
  const interval = readDuration(heartbeatInterval, '--heartbeat-interval');
  if (ttl === undefined) return { interval };
  const lease = { interval, ttl: readDuration(ttl, '--ttl') };
  if (lease.ttl >= 2 * interval) return lease;
  throw new CommandError(
    'usage',
    `--ttl ${ttl} is too short for beats every ${heartbeatInterval}; give twice that or more`,
  );
}

function readDuration(text: string, option: string): number {
  const duration = parseDuration(text);
  if (duration) return duration;
  throw new CommandError('usage', `${option} "${text}" is no duration; write one such as 500ms, 5s or 1m30s`);
}

/** A controller closes its resources, but only once there is one. */
async function closingOnFailure<T>(resources: Resources, make: () => T): Promise<T> {
  try {
    return make();
  } catch (error) {
    await resources.close();
    throw error;
  }
}

function logStop(signal: NodeJS.Signals, logger: Logger): void {
  logger.info(`${signal} received; the passes under way are finished first, a second signal ends them`);
}
