import { Controller, type ControllerOptions, KplugError, type Resources } from '@kplug/controller';
import type { Logger } from 'pino';
import { announce } from './announcement.ts';
import type { OperatorConfiguration } from './configuration.ts';
import { makeLogger } from './logger.ts';
import { openResources } from './open-resources.ts';
import { removeOperatorFile, writeOperatorFile } from './operator-file.ts';
import type { OperatorTerminal } from './operator-terminal.ts';
import type { SettingValues } from './settings.ts';
import { untilStopped } from './stop-signals.ts';

/** What is added to the ready-made operator. */
export interface OperatorExtension {
  /**
   * Called once the operator works, and leads where one of several does. What it returns is called when the operator is about to
   * stop. An error stops the operator.
   */
  onStart?(controller: Controller): Promise<OnStop | void> | OnStop | void;
}

/** What is done when an operator is about to stop. */
type OnStop = () => Promise<void> | void;

/** Runs an operator until it is told to stop by SIGTERM or SIGINT. Rejects when it can't start, or leads no more. */
export async function runOperator(
  configuration: OperatorConfiguration,
  terminal: OperatorTerminal,
  { onStart }: OperatorExtension = {},
): Promise<void> {
  const stopped = untilStopped();
  const { settings } = configuration;
  const logger = await makeLogger(settings, terminal);
  for (const remark of configuration.remarks) logger.warn(remark);
  const options = controllerOptions(configuration);
  const resources = await openResources(settings, logger);
  const controller = await closingOnFailure(resources, () => new Controller({ ...options, resources, logger }));
  const told = stopped.then((signal) => logStop(signal, logger));
  const onStop: OnStop[] = [];
  const started = controller.start().then(async () => {
    const stop = await onStart?.(controller);
    if (stop) onStop.push(stop);
    await announceOnce(controller, configuration, terminal);
  });
  const { manifests: directory } = settings;
  try {
    // It may wait for its turn to lead, and be told to stop meanwhile.
    await Promise.race([told, Promise.all([started, controller.ended])]);
  } finally {
    // First of all, so that nobody finds an operator that is going.
    if (directory !== undefined) await removeOperatorFile(directory);
    for (const stop of onStop) await stop();
    await controller.stop();
    // Why it didn't start was told by the race, unless it was because it was stopped.
    await started.catch(() => undefined);
  }
}

function controllerOptions({ settings, delegations }: OperatorConfiguration): Omit<ControllerOptions, 'resources'> {
  const { operatorName: operator, concurrency, pluginsDir = 'plugins', allowInsecurePlugins = false } = settings;
  const { plugins, pluginsBaseUrl: baseUrl, pluginsNamePattern: namePattern } = settings;
  const isCluster = settings.manifests === undefined;
  return {
    delegations,
    followDelegations: (settings.followDelegations ?? true) && (operator === undefined || { operator }),
    ...(concurrency === undefined ? {} : { concurrency }),
    heartbeatAddress: settings.grpcBindAddress ?? ':50050',
    metricsAddress: addressOf(settings.metricsAddr ?? (isCluster ? ':8080' : '0')),
    probeAddress: addressOf(settings.healthProbeBindAddress ?? (isCluster ? ':8081' : '0')),
    adminAddress: addressOf(settings.adminBindAddress ?? '127.0.0.1:8082'),
    allowInsecurePlugins,
    lease: leaseOf(settings),
    pluginsFolder: {
      directory: pluginsDir,
      ...(plugins && { list: { items: plugins, ...(baseUrl && { baseUrl }), ...(namePattern && { namePattern }) } }),
      // A module in the folder may be a single file, with nothing installed beside it.
      packages: { '@kplug/sdk': import.meta.resolve('@kplug/sdk') },
    },
  };
}

function addressOf(text: string): string | false {
  return text === '0' ? false : text;
}

function leaseOf({ heartbeatInterval: interval = 5_000, ttl }: SettingValues): { interval: number; ttl?: number } {
  if (ttl === undefined) return { interval };
  if (ttl >= 2 * interval) return { interval, ttl };
  const message = `--ttl ${ttl / 1_000}s is too short for beats every ${interval / 1_000}s; give twice that or more`;
  throw new KplugError('InvalidConfiguration', message);
}

async function announceOnce(
  { heartbeatAddress, adminAddress }: Controller,
  { settings: { manifests: directory, logFormat = 'text', context }, delegations }: OperatorConfiguration,
  terminal: OperatorTerminal,
): Promise<void> {
  if (directory !== undefined) {
    await writeOperatorFile(directory, { pid: process.pid, heartbeatAddress, adminAddress });
  }
  if (logFormat !== 'text') return;
  announce({ directory, context, delegations, heartbeatAddress, adminAddress }, terminal);
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
