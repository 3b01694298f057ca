/** A size, count or time limit of the SDK. */
interface Limit {
  /** Value, or the default where the limit can be changed. */
  readonly value: number;
  readonly unit: 'ms' | 'bytes' | 'count';
  readonly description: string;
  /** Option and environment variable that change the limit. None for a fixed limit. */
  readonly settings?: readonly [string, ...string[]];
}

const seconds = 1_000;
const hours = 3_600 * seconds;
const days = 24 * hours;
const KiB = 1_024;
const MiB = 1_024 * KiB;

/** All limits of the SDK, by part. `docs/limits.md` is generated from this table. */
export const limitTable = {
  dependents: {
    nameHashLength: count(8, 'Length of the hash in a name that `nameFrom` shortens, in characters.'),
    maxNameLength: count(63, 'Maximum length of a name that `nameFrom` makes, in characters.', [
      'maxLength parameter of nameFrom',
    ]),
  },
  serving: {
    maxMessageSize: bytes(4 * MiB, 'Maximum size of a request that is accepted.', [
      'maxMessageSize',
      'KPLUG_MAX_MESSAGE_SIZE',
    ]),
    maxAnswerSize: bytes(4 * MiB, 'Maximum size of an answer that is sent. Controllers accept 4 MiB by default.', [
      'maxAnswerSize',
      'KPLUG_MAX_ANSWER_SIZE',
    ]),
    earlierCallTimeout: milliseconds(
      10 * seconds,
      'Longest time that a call waits for an earlier call for the same resource that still runs.',
    ),
    port: count(7_000, 'Port of a plugin that sends no heartbeats.', ['bindAddress', 'KPLUG_BIND_ADDRESS']),
    weight: count(100, 'Weight of the instance when work is distributed; 0 to 1,000.', ['weight', 'KPLUG_WEIGHT']),
    drainTimeout: milliseconds(25 * seconds, 'Longest wait for in-flight calls when the plugin stops.', [
      'drainTimeout',
      'KPLUG_DRAIN_TIMEOUT',
    ]),
    connectionGracePeriod: milliseconds(
      1 * seconds,
      'Longest time that connections stay open after the last call has ended.',
    ),
    maxStreams: count(1_000, 'Maximum number of concurrent calls on one connection.'),
    maxLoggedStacks: count(100, 'Maximum number of stacks of errors that are remembered, so that each is logged once.'),
    maxConnectionAge: milliseconds(24 * hours, 'Age at which a connection is closed; operators connect again.'),
    maxConnectionAgeGrace: milliseconds(
      1 * hours,
      'Time that the calls of a connection may take to end after its maximum age.',
    ),
  },
  heartbeat: {
    interval: milliseconds(5 * seconds, 'Interval between heartbeats if the controller grants none.'),
    minInterval: milliseconds(10, 'Shortest interval between heartbeats, whatever the controller grants.'),
    timeout: milliseconds(3 * seconds, 'Time that the controller has to answer a unary heartbeat.'),
    answerTimeout: milliseconds(
      10 * seconds,
      'Time that the controller has to answer the registration of a session, the connection included.',
    ),
    deregistrationTimeout: milliseconds(2 * seconds, 'Time that the controller has to answer a deregistration.'),
    initialBackOff: milliseconds(50, 'Delay before the first attempt to reach the controller again; it doubles.'),
    maxBackOff: milliseconds(
      5 * seconds,
      'Longest delay between attempts to reach the controller, well below the default lease.',
    ),
    refusedDelay: milliseconds(20 * seconds, 'Longest delay before a refused registration is retried.'),
    maxLoggedFailures: count(
      100,
      'Maximum number of failures and refusals that are remembered, so that each is logged once.',
    ),
    keepaliveInterval: milliseconds(10 * seconds, 'Interval of keepalive pings to the controller.'),
    keepaliveTimeout: milliseconds(5 * seconds, 'Time that the controller has to answer a keepalive ping.'),
    v0Interval: milliseconds(5 * seconds, 'Interval between heartbeats to an operator of the first Kplug.'),
    v0Timeout: milliseconds(3 * seconds, 'Time that an operator of the first Kplug has to answer a heartbeat.'),
  },
  security: {
    pollInterval: milliseconds(
      1 * seconds,
      'Interval at which token, CA bundle and certificate files are checked for changes.',
    ),
    fileSettleTime: milliseconds(
      2 * seconds,
      'Age that a file must have before an unchanged modification time says that its content is unchanged.',
    ),
    maxFileSize: bytes(1 * MiB, 'Maximum size of a CA bundle, certificate or key.'),
    maxTokenSize: bytes(8 * KiB, 'Maximum size of a token.'),
    secretSize: bytes(32, 'Number of random bytes of the secret of an instance.'),
    certificateLifetime: milliseconds(
      10 * 365 * days,
      'Lifetime of the certificate that a plugin makes at its start. It ends with the process.',
    ),
    clockTolerance: milliseconds(1 * days, 'Time by which the clock of the operator may be behind that of the plugin.'),
    maxCommonNameLength: count(
      64,
      'Maximum length of the name in the certificate, the beginning of the instance id (RFC 5280).',
    ),
    handshakeTimeout: milliseconds(10 * seconds, 'Time that a client of the plugin has for its TLS handshake.'),
    maxPendingConnections: count(256, 'Maximum number of connections to the plugin whose client is not authenticated.'),
    refusalLogInterval: milliseconds(10 * seconds, 'Shortest interval between log lines about refused clients.'),
  },
  v0: {
    maxTokens: count(
      500_000,
      'Maximum number of YAML tokens of a resource in a call of an operator of the first Kplug.',
    ),
    maxDepth: count(200, 'Maximum depth of nested objects and lists in such a resource.'),
    maxAliases: count(50, 'Maximum number of aliases in such a resource.'),
    maxAliasedValues: count(10_000, 'Maximum number of values that these aliases stand for.'),
  },
} satisfies Record<string, Record<string, Limit>>;

/** Values of the table: `limits.heartbeat.timeout` is 3,000, in milliseconds. */
export const limits = {
  dependents: valuesOf(limitTable.dependents),
  serving: valuesOf(limitTable.serving),
  heartbeat: valuesOf(limitTable.heartbeat),
  security: valuesOf(limitTable.security),
  v0: valuesOf(limitTable.v0),
};

function milliseconds(value: number, description: string, settings?: Limit['settings']): Limit {
  return { value, unit: 'ms', description, ...(settings && { settings }) };
}

function bytes(value: number, description: string, settings?: Limit['settings']): Limit {
  return { value, unit: 'bytes', description, ...(settings && { settings }) };
}

function count(value: number, description: string, settings?: Limit['settings']): Limit {
  return { value, unit: 'count', description, ...(settings && { settings }) };
}

function valuesOf<N extends string>(group: Record<N, Limit>): Readonly<Record<N, number>> {
  const values = Object.entries<Limit>(group).map(([name, { value }]) => [name, value]);
  return Object.fromEntries(values) as Record<N, number>;
}
