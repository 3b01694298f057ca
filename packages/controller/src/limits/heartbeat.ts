import { bytes, characters, count, days, hours, KiB, MiB, milliseconds, minutes, percent, seconds } from './limit.ts';

/** Limits of the heartbeat port. */
export const heartbeat = {
  maxMessageSize: bytes(64 * KiB, 'Maximum size of a message to the heartbeat port.'),
  maxConnections: count(16_384, 'Maximum number of connections; at most 37 % of the file descriptors of the process.', {
    settings: ['heartbeatConnections.max', '--max-connections'],
    min: 1,
    sane: [100, 100_000],
  }),
  maxConnectionsPerPeer: count(
    1_024,
    'Maximum number of connections from one address, or one IPv6 /64 network, other than this machine.',
    {
      settings: ['heartbeatConnections.maxPerPeer', '--max-connections-per-peer'],
      min: 1,
      sane: [10, 10_000],
    },
  ),
  descriptorShare: percent(37, 'Maximum share of the file descriptors of the process for connections.'),
  handshakeTimeout: milliseconds(10 * seconds, 'Time from a connection to its first request.'),
  requestTimeout: milliseconds(30 * seconds, 'Time from the beginning of a request to the beginning of its answer.'),
  idleTimeout: milliseconds(15 * minutes, 'Time after which a connection without a session or call is closed.'),
  maxHeaderSize: bytes(32 * KiB, 'Maximum size of the headers of a call, including its token.'),
  maxRequestFields: count(
    5_000,
    'Maximum number of protocol fields in a message to the heartbeat port, at all depths.',
  ),
  maxStreams: count(1_000, 'Maximum number of concurrent sessions and calls on one connection.'),
  maxSessionMemory: bytes(10 * MiB, 'Maximum memory of one HTTP/2 connection.'),
  maxConnectionAge: milliseconds(24 * hours, 'Age at which a connection is closed; plugins connect again.'),
  connectionGracePeriod: milliseconds(
    1 * minutes,
    'Time that the calls of a connection may take to end after its maximum age.',
  ),
  keepaliveInterval: milliseconds(10 * seconds, 'Interval of keepalive pings, which detect peers that are gone.'),
  keepaliveTimeout: milliseconds(5 * seconds, 'Time that a peer has to answer a keepalive ping.'),
  closeTimeout: milliseconds(
    500,
    'Time that the clients of sessions and watches have to close them when the port closes.',
  ),
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
  nameRetention: milliseconds(
    1 * hours,
    'Time for which the name of a plugin without instances belongs to the identity that registered it.',
    { settings: ['nameRetention', '--plugin-name-retention'], max: 365 * days },
  ),
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
  maxCertificateSize: bytes(16 * KiB, 'Maximum size of the certificate of an instance.'),
  minSecretLength: characters(32, 'Minimum length of the secret of an instance, if it chooses one itself.'),
  maxSecretLength: characters(256, 'Maximum length of the secret of an instance.'),
  weight: count(100, 'Weight of an instance that sets none.', {
    settings: ['weight of the SDK', 'KPLUG_WEIGHT'],
    max: 1_000,
  }),
};

/** Limits of identities. */
export const identity = {
  maxLength: characters(1 * KiB, 'Maximum length of an identity as text, and of a pattern of identities.'),
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
  maxListedCapabilities: count(64, 'Maximum number of capabilities that a resource names.'),
  maxListedCapabilityVersions: count(64, 'Maximum number of versions of a capability that a resource names.'),
  maxListedInstances: count(500, 'Maximum number of instances that a resource lists; its counts include all.'),
  maxNameLength: characters(200, 'Maximum length of a name before its digest replaces the rest.'),
  maxCertificateLength: characters(
    2 * KiB,
    'Maximum length of the certificate of a listed instance, in base64. One with a longer one is known again after its next heartbeat.',
  ),
  maxConditionLength: characters(4 * KiB, 'Maximum length of the message of a condition.'),
};
