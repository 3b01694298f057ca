import { Controller, type ControllerOptions, KplugError, type Resources } from '@kplug/controller';
import type { Logger } from 'pino';
import { announce } from './announcement.ts';
import type { OperatorConfiguration } from './configuration.ts';
import { makeLogger } from './logger.ts';
import { nameFlags } from './name-flags.ts';
import { openResources } from './open-resources.ts';
import { removeOperatorFile, writeOperatorFile } from './operator-file.ts';
import type { OperatorTerminal } from './operator-terminal.ts';
import { securityOf } from './security.ts';
import type { SettingValues } from './settings.ts';
import { untilStopped } from './stop-signals.ts';

/** Extension of the ready-made operator. */
export interface OperatorExtension {
  /**
   * Called once the operator has started, and leads if there is leader election. The function that it returns is called before the
   * operator stops. An error stops the operator.
   */
  onStart?(controller: Controller): Promise<OnStop | void> | OnStop | void;
}

/** Called before an operator stops. */
export type OnStop = () => Promise<void> | void;

/** Runs an operator until SIGTERM or SIGINT. Rejects when the operator can't start or loses the leadership. */
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
  const stopping = stopped.then((signal) => logStop(signal, logger));
  const onStop: OnStop[] = [];
  const started = controller.start().then(async () => {
    const stop = await onStart?.(controller);
    if (stop) onStop.push(stop);
    await announceOnce(controller, configuration, terminal);
  });
  const { manifests: directory, stateDir } = settings;
  try {
    // The operator may be stopped while it waits for the leadership.
    await Promise.race([stopping, Promise.all([started, controller.ended])]);
  } catch (error) {
    throw nameFlags(error);
  } finally {
    // First, so that no tool finds an operator that is stopping.
    if (directory !== undefined) await removeOperatorFile(directory, stateDir);
    for (const stop of onStop) await stop();
    await controller.stop();
    // The race has rejected with a failure to start; a start that was aborted by stopping is no failure.
    await started.catch(() => undefined);
  }
}

function controllerOptions({ settings, delegations }: OperatorConfiguration): Omit<ControllerOptions, 'resources'> {
  const { operatorName: operator, concurrency, allowInsecurePlugins = false, insecurePluginsFrom } = settings;
  const { plugins, pluginsBaseUrl: baseUrl, pluginsNamePattern: namePattern } = settings;
  const { allowWritablePluginsDir: allowWritable = false, pluginsEnvironment } = settings;
  const { attachments: followAttachments = false } = settings;
  const isCluster = settings.manifests === undefined;
  return {
    delegations,
    followDelegations: (settings.followDelegations ?? true) && (operator === undefined || { operator }),
    followAttachments,
    ...(concurrency === undefined ? {} : { concurrency }),
    ...heartbeatsOf(settings),
    metricsAddress: addressOf(settings.metricsAddr ?? (isCluster ? ':8080' : '0')),
    probeAddress: addressOf(settings.healthProbeBindAddress ?? (isCluster ? ':8081' : '0')),
    adminAddress: addressOf(settings.adminBindAddress ?? '127.0.0.1:8082'),
    adminHosts: settings.adminHosts ?? [],
    allowInsecurePlugins,
    ...(insecurePluginsFrom && { insecurePluginsFrom }),
    lease: leaseOf(settings),
    pluginsFolder: {
      directory: pluginsDirectoryOf(settings),
      allowWritable,
      ...(pluginsEnvironment && { inheritedEnvironment: pluginsEnvironment }),
      ...(plugins && { list: { items: plugins, ...(baseUrl && { baseUrl }), ...(namePattern && { namePattern }) } }),
      // A module in the folder may be a single file, without installed packages.
      packages: { '@kplug/sdk': import.meta.resolve('@kplug/sdk') },
    },
  };
}

function pluginsDirectoryOf({ pluginsDir = 'plugins' }: SettingValues): string {
  return pluginsDir;
}

function heartbeatsOf(settings: SettingValues): Partial<ControllerOptions> {
  const { grpcBindAddress: heartbeatAddress, pluginNameRetention: nameRetention } = settings;
  return {
    ...(heartbeatAddress !== undefined && { heartbeatAddress }),
    ...(nameRetention !== undefined && { nameRetention }),
    heartbeatConnections: connectionsOf(settings),
    security: securityOf(settings),
  };
}

function connectionsOf({ maxConnections, maxConnectionsPerPeer }: SettingValues): {
  max?: number;
  maxPerPeer?: number;
} {
  return {
    ...(maxConnections !== undefined && { max: maxConnections }),
    ...(maxConnectionsPerPeer !== undefined && { maxPerPeer: maxConnectionsPerPeer }),
  };
}

function addressOf(text: string): string | false {
  return text === '0' ? false : text;
}

function leaseOf({ heartbeatInterval: interval = 5_000, ttl }: SettingValues): { interval: number; ttl?: number } {
  if (ttl === undefined) return { interval };
  if (ttl >= 2 * interval) return { interval, ttl };
  const message = `--ttl ${ttl / 1_000}s is too short for heartbeats every ${interval / 1_000}s; use at least twice the interval`;
  throw new KplugError('InvalidConfiguration', message);
}

async function announceOnce(
  { heartbeatAddress, adminAddress, heartbeatSecurity }: Controller,
  { settings, delegations }: OperatorConfiguration,
  terminal: OperatorTerminal,
): Promise<void> {
  const { manifests: directory, stateDir, logFormat = 'text', context } = settings;
  if (directory !== undefined) {
    await writeOperatorFile(directory, { pid: process.pid, heartbeatAddress, adminAddress }, stateDir);
  }
  if (logFormat !== 'text') return;
  const pluginsDirectory = pluginsDirectoryOf(settings);
  const place = { directory, stateDir, context, pluginsDirectory };
  const isSecured = heartbeatSecurity === 'secured';
  announce({ ...place, delegations, heartbeatAddress, adminAddress, isSecured }, terminal);
}

/** Closes the resources when the controller can't be made. Otherwise the controller closes them. */
async function closingOnFailure<T>(resources: Resources, make: () => T): Promise<T> {
  try {
    return make();
  } catch (error) {
    await resources.close();
    throw nameFlags(error);
  }
}

function logStop(signal: NodeJS.Signals, logger: Logger): void {
  logger.info(`${signal} received; finishing in-flight reconciles; a second signal exits immediately`);
}
