import { Controller, type DelegationDeclaration, type Resources } from '@kplug/controller';
import type { Logger } from 'pino';
import { CommandError } from '../command-error.ts';
import { readDelegationFile } from '../delegation-file.ts';
import { removeOperatorFile, writeOperatorFile } from '../operator-file.ts';
import type { Terminal } from '../output/terminal.ts';
import { announce } from './announcement.ts';
import { makeLogger } from './logger.ts';
import { openResources, type ResourcesChoice } from './open-resources.ts';
import { readDuration } from './read-duration.ts';
import { untilStopped } from './stop-signals.ts';

/** What the command line says of an operator. */
export interface OperatorOptions extends ResourcesChoice {
  delegation: string;
  grpcBindAddress: string;
  adminBindAddress: string;
  heartbeatInterval: string;
  ttl?: string;
  allowInsecurePlugins?: boolean;
  logLevel: string;
  logFormat: 'text' | 'json';
}

/** Runs an operator until it is told to stop by SIGTERM or SIGINT. Rejects when it can't start, or leads no more. */
export async function runOperator(options: OperatorOptions, terminal: Terminal): Promise<void> {
  const stopped = untilStopped();
  const lease = readLease(options);
  const delegations = await readDelegationFile(options.delegation);
  const logger = await makeLogger(options, terminal);
  const resources = await openResources(options, logger);
  const controller = await closingOnFailure(resources, () => {
    const { grpcBindAddress: heartbeatAddress, adminBindAddress: adminAddress, allowInsecurePlugins = false } = options;
    const addresses = { heartbeatAddress, adminAddress };
    return new Controller({ resources, delegations, ...addresses, allowInsecurePlugins, lease, logger });
  });
  const told = stopped.then((signal) => logStop(signal, logger));
  const started = controller.start().then(() => announceOnce(controller, delegations, options, terminal));
  const { manifests: directory } = options;
  try {
    // It may wait for its turn to lead, and be told to stop meanwhile.
    await Promise.race([told, Promise.all([started, controller.ended])]);
  } finally {
    // First of all, so that nobody finds an operator that is going.
    if (directory !== undefined) await removeOperatorFile(directory);
    await controller.stop();
    // Why it didn't start was told by the race, unless it was because it was stopped.
    await started.catch(() => undefined);
  }
}

async function announceOnce(
  { heartbeatAddress, adminAddress }: Controller,
  delegations: readonly DelegationDeclaration[],
  { manifests: directory, logFormat, context }: OperatorOptions,
  terminal: Terminal,
): Promise<void> {
  if (directory !== undefined) {
    await writeOperatorFile(directory, { pid: process.pid, heartbeatAddress, adminAddress });
  }
  if (logFormat !== 'text') return;
  announce({ directory, context, delegations, heartbeatAddress, adminAddress }, terminal);
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
