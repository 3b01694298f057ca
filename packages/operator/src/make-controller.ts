import { Controller, type ControllerOptions, KplugError, type Resources } from '@kplug/controller';
import type { Logger } from 'pino';
import type { OperatorConfiguration } from './configuration.ts';
import { nameFlags } from './name-flags.ts';
import { openResources } from './open-resources.ts';
import { securityOf } from './security.ts';
import type { SettingValues } from './settings.ts';

/**
 * Opens the resources of a configuration, and makes the controller of an operator, without starting it. Rejects with
 * `InvalidConfiguration`, or with the error of opening the resources.
 *
 * @param options options that precede those of the configuration.
 */
export async function makeController(
  configuration: OperatorConfiguration,
  logger: Logger,
  options: Partial<ControllerOptions> = {},
): Promise<Controller> {
  const { pluginsFolder, ...configured } = controllerOptions(configuration);
  // Programs take the place of a folder.
  const hosting = options.programs ? {} : { pluginsFolder };
  const resources = await openResources(configuration.settings, logger);
  const make = () => new Controller({ ...configured, ...hosting, ...options, resources, logger });
  return closingOnFailure(resources, make);
}

function controllerOptions({ settings, delegations }: OperatorConfiguration) {
  const { concurrency, allowInsecurePlugins = false, insecurePluginsFrom } = settings;
  const { plugins, pluginsBaseUrl: baseUrl, pluginsNamePattern: namePattern } = settings;
  const { allowWritablePluginsDir: allowWritable = false, pluginsEnvironment } = settings;
  const isCluster = settings.manifests === undefined;
  return {
    delegations,
    ...followedOf(settings),
    ...(concurrency === undefined ? {} : { concurrency }),
    ...heartbeatsOf(settings),
    metricsAddress: addressOf(settings.metricsAddr ?? (isCluster ? ':8080' : '0')),
    probeAddress: addressOf(settings.healthProbeBindAddress ?? (isCluster ? ':8081' : '0')),
    adminAddress: addressOf(settings.adminBindAddress ?? '127.0.0.1:8082'),
    adminHosts: settings.adminHosts ?? [],
    page: settings.page ?? true,
    recordCalls: settings.recordCalls ?? false,
    allowActions: settings.allowActions ?? false,
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
  } satisfies Omit<ControllerOptions, 'resources'>;
}

/** Returns the kinds of Kplug's own resources that the operator follows. */
function followedOf({ operatorName: operator, followDelegations = true, attachments = false }: SettingValues) {
  return {
    followDelegations: followDelegations && (operator === undefined || { operator }),
    followAttachments: attachments,
  };
}

/** Returns the folder whose files are run as plugins. */
export function pluginsDirectoryOf({ pluginsDir = 'plugins' }: SettingValues): string {
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

/** Closes the resources when the controller can't be made. Otherwise the controller closes them. */
async function closingOnFailure<T>(resources: Resources, make: () => T): Promise<T> {
  try {
    return make();
  } catch (error) {
    await resources.close();
    throw nameFlags(error);
  }
}
