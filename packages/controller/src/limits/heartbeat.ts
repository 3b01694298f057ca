import { bytes, characters, count, days, hours, KiB, MiB, milliseconds, minutes, seconds } from './limit.ts';

/** Limits of the heartbeat port. */
export const heartbeat = {
  maxMessageSize: bytes(64 * KiB, 'Maximum size of a message to the heartbeat port.'),
  maxStreams: count(1_000, 'Maximum number of concurrent sessions and calls on one connection.'),
  maxSessionMemory: bytes(10 * MiB, 'Maximum memory of one HTTP/2 connection.'),
  maxConnectionAge: milliseconds(24 * hours, 'Age at which a connection is closed; plugins connect again.'),
  connectionGracePeriod: milliseconds(
    1 * minutes,
    'Time that the calls of a connection may take to end after its maximum age.',
  ),
  keepaliveInterval: milliseconds(10 * seconds, 'Interval of keepalive pings, which detect peers that are gone.'),
  keepaliveTimeout: milliseconds(5 * seconds, 'Time that a peer has to answer a keepalive ping.'),
  maxLoggedRefusals: count(
    1_000,
    'Maximum number of log lines about refused registrations, one per plugin and reason.',
  ),
  maxLoggedRefusalsPerPeer: count(50, 'Maximum number of these lines about plugins of one host.'),
  maxRefusals: count(200, 'Maximum number of refused registrations that `kplug plugins --refused` lists.'),
  maxRefusalsPerPeer: count(20, 'Maximum number of these from one host.'),
  refusalRetention: milliseconds(
    1 * hours,
    'Time for which a refused registration is listed after the last equal one.',
  ),
  maxRefusedTextLength: characters(128, 'Maximum length of each text of a refused registration in that list.'),
  maxRefusedApis: count(4, 'Maximum number of APIs of a refused registration in that list.'),
  maxLoggedTextLength: characters(512, 'Maximum length of the name or message of a refused registration in the log.'),
};

/** Limits of registrations and leases. */
export const registry = {
  capacity: count(200_000, 'Maximum number of plugin instances; further ones are refused.', {
    settings: ['registryCapacity'],
  }),
  leaseInterval: milliseconds(5 * seconds, 'Heartbeat interval of instances that request none.', {
    settings: ['lease.interval', '--heartbeat-interval'],
    sane: [1 * seconds, 1 * minutes],
  }),
  minLeaseInterval: milliseconds(1 * seconds, 'Shortest heartbeat interval that is granted.', {
    settings: ['lease.minInterval'],
  }),
  leaseTtl: milliseconds(
    15 * seconds,
    'Duration of a lease, for instances that request none. It changes with the interval unless it is set.',
    { settings: ['lease.ttl', '--ttl'] },
  ),
  leaseTtlIntervals: count(3, 'Duration of a lease in heartbeat intervals, where no duration is set.'),
  minLeaseTtlIntervals: count(2, 'Shortest lease that is granted, in heartbeat intervals.'),
  maxLeaseTtl: milliseconds(10 * minutes, 'Longest lease that is granted.', { settings: ['lease.maxTtl'] }),
  v0Interval: milliseconds(5 * seconds, 'Heartbeat interval of plugins of the first Kplug, which request none.'),
  maxClockGap: milliseconds(1 * seconds, 'Longest pause of the process during which leases continue to run.'),
  maxApis: count(64, 'Maximum number of plugin APIs of an instance.'),
  maxLabels: count(32, 'Maximum number of labels of an instance.'),
  maxInstanceIdLength: characters(128, 'Maximum length of an instance id.'),
  maxHostedNameLength: characters(
    64,
    'Maximum length of the file name in the instance id of a plugin from the folder.',
  ),
  weight: count(100, 'Weight of an instance that sets none.', {
    settings: ['weight of the SDK', 'KPLUG_WEIGHT'],
    max: 1_000,
  }),
};

/** Limits of `Plugin` resources. */
export const pluginResources = {
  settleTime: milliseconds(1 * seconds, 'Delay between a change of a plugin and the write of its resource.', {
    settings: ['pluginResources.settleTime'],
  }),
  refreshInterval: milliseconds(
    1 * minutes,
    'Interval between writes in which only the time of the last heartbeat changes.',
    { settings: ['pluginResources.refreshInterval'] },
  ),
  retention: milliseconds(1 * days, 'Time for which the resource of a plugin without instances is retained.', {
    settings: ['pluginResources.retention'],
    max: 365 * days,
  }),
  maxRecords: count(
    1_000,
    'Maximum number of these resources that are written for plugins that send heartbeats; those that exceed it are not shown.',
    { settings: ['pluginResources.maxRecords'], min: 1 },
  ),
  maxListedSize: bytes(256 * KiB, 'Maximum size of the instances that a resource lists; its counts include all.'),
  maxListedApis: count(64, 'Maximum number of APIs with a condition in a resource.'),
  maxListedVersions: count(8, 'Maximum number of versions of an API that a condition names.'),
  maxListedInstances: count(500, 'Maximum number of instances that a resource lists; its counts include all.'),
  maxNameLength: characters(200, 'Maximum length of a name before its digest replaces the rest.'),
  maxConditionLength: characters(
    4 * KiB,
    'Maximum length of the message of a condition; it may hold the last output of a process.',
  ),
};
