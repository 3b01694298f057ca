import { bytes, characters, count, days, hours, KiB, levels, MiB, milliseconds, minutes, seconds } from './limit.ts';

/** Limits of the selection of plugins. */
export const selection = {
  maxPatternLength: characters(253, 'Maximum length of a preference or another pattern of plugins: `Name@range`.'),
  maxCachedVersions: count(10_000, 'Maximum number of versions whose match with a range is cached.'),
};

/** Limits of connections to plugins. */
export const connections = {
  maxMessageSize: bytes(4 * MiB, 'Maximum size of a response of a plugin.', {
    settings: ['connections.maxMessageSize'],
  }),
  maxReceivedMultiple: count(
    4,
    'Multiple of the maximum size of a response up to which a larger one on a stream ends its own call only.',
  ),
  openTimeout: milliseconds(2 * seconds, 'Time that a plugin has to answer when a connection to it is opened.', {
    settings: ['connections.openTimeout'],
  }),
  healthInterval: milliseconds(
    10 * seconds,
    'Interval of health checks of a plugin that serves no `Watch`; six times as long while it is healthy.',
    { settings: ['connections.healthInterval'] },
  ),
  healthBurst: count(
    20,
    'Number of updates of a health `Watch` in a row; a plugin that sends more is checked at intervals instead.',
  ),
  healthUpdateInterval: milliseconds(10 * seconds, 'Interval after which one more update is read.'),
  healthTimeout: milliseconds(2 * seconds, 'Time that a plugin has to answer a health check.'),
  healthyThreshold: count(
    6,
    'Number of successful checks in a row after which checks become as many times less frequent.',
  ),
  idleTimeout: milliseconds(10 * minutes, 'Time after which an unused connection is closed.', {
    settings: ['connections.idleTimeout'],
  }),
  expiryMargin: milliseconds(
    1 * minutes,
    'Least time before the expiry of a certificate of a connection at which the connection is replaced.',
  ),
  maxExpiryMargin: milliseconds(
    1 * hours,
    'Longest time before the expiry of a certificate of a connection at which the connection is replaced.',
  ),
  minReplacementDelay: milliseconds(1 * seconds, 'Least age of a connection that is replaced for its certificate.'),
  maxReplacements: count(10, 'Maximum number of connections that are replaced for their certificates concurrently.'),
  initialBackOff: milliseconds(100, 'Delay before the first retry of an unreachable plugin; it doubles.'),
  maxBackOff: milliseconds(10 * seconds, 'Longest delay between retries of an unreachable plugin.'),
  keepaliveInterval: milliseconds(30 * seconds, 'Interval of keepalive pings.'),
  keepaliveTimeout: milliseconds(10 * seconds, 'Time that a plugin has to answer a keepalive ping.'),
};

/** Limits of calls of plugins and of their responses. */
export const calls = {
  maxDraws: count(8, 'Number of random instances among which one with a weight is searched before all are looked at.'),
  apiTimeout: milliseconds(10 * seconds, "Time that a plugin has to answer a call of an operator's own API.", {
    settings: ['timeout option of Controller.call'],
  }),
  stopTimeout: milliseconds(20 * seconds, 'Time that in-flight calls may take to end when the controller stops.', {
    settings: ['stopTimeout'],
  }),
  infoTimeout: milliseconds(5 * seconds, 'Time that a plugin has to answer `GetInfo` when a tool asks.', {
    settings: ['timeout option of getInfo'],
  }),
  hangingThreshold: count(
    2,
    'Number of calls of an instance that time out in a row, after which other instances of its plugin are called instead.',
  ),
  hangingTime: milliseconds(
    1 * minutes,
    'Time after the last of these calls until the instance is called again, unless an answer comes earlier.',
  ),
  maxInfoSize: bytes(256 * KiB, 'Maximum size of a response to `GetInfo`.'),
  maxStreamedSize: bytes(256 * KiB, 'Size above which a request is sent as a separate RPC instead of on the stream.'),
  maxStreamAge: milliseconds(0.5 * hours, 'Age at which a stream to a plugin is replaced.'),
  maxWorkStreams: count(8, 'Maximum number of streams to an instance of a plugin.'),
  busyStreamCalls: count(4, 'Number of in-flight calls on each stream with which another one is opened.'),
  maxAnswerFields: count(20_000, 'Maximum number of protocol fields in a response, at all depths.'),
  maxConditions: count(64, 'Maximum number of conditions in a response.'),
  maxMessages: count(100, 'Maximum number of messages in a response.'),
  maxEvents: count(100, 'Maximum number of Events in a response.'),
  maxEventLength: characters(1 * KiB, 'Length at which the message of an Event in a response is cut.'),
  maxEventsSize: characters(16 * KiB, 'Maximum size of all Events of a response; the others are dropped.'),
  maxTextLength: characters(
    32 * KiB,
    'Maximum length of the text of a message, condition or Event in a response. Kubernetes accepts no longer one.',
  ),
  maxConditionTypeLength: characters(316, 'Maximum length of the type of a condition, prefix included.'),
  maxStatusDepth: levels(64, 'Maximum depth of nested objects and lists in a status or dependent in a response.'),
  maxStatusValues: count(20_000, 'Maximum number of values of a status in a response, at all depths.'),
  maxDependentSize: bytes(1 * MiB, 'Maximum size of a dependent in a response.'),
  maxDependentValues: count(50_000, 'Maximum number of values of a dependent in a response, at all depths.'),
  maxAnswerValues: count(100_000, 'Maximum number of values of all statuses and dependents in a response together.'),
  maxKeyLength: bytes(1 * KiB, 'Maximum length of a key of a status or dependent in a response.'),
  maxQuotedLength: characters(100, 'Length at which a text of a response is cut where an error message quotes it.'),
  maxFailureLength: characters(2 * KiB, 'Length at which the message of a failed call is cut.'),
  maxDelay: milliseconds(365 * days, 'Longest delay until the next call in a response; longer ones are shortened.'),
  maxTokenSize: bytes(1 * KiB, 'Maximum size of the token of an operation that takes longer than a call.'),
  maxProgressMessageLength: characters(1_024, 'Length at which the message about the progress of an operation is cut.'),
  maxRequirements: count(32, 'Maximum number of further resources, or selections of such, that a response requires.'),
  maxRequirementNameLength: characters(63, 'Maximum length of the name that a plugin gives a requirement.'),
  maxRequirementLabels: count(16, 'Maximum number of labels by which a requirement selects resources.'),
  maxValidFor: milliseconds(
    1 * days,
    'Longest time for which an answer holds, so that passes with equal input make no call; longer ones are shortened.',
  ),
  maxV0AnswerLength: characters(256 * KiB, 'Maximum size of a response of a plugin of the first Kplug.'),
  maxV0Tokens: count(50_000, 'Maximum number of YAML tokens of a status of a plugin of the first Kplug.'),
};

/** Limits of the probing of plugins that send no heartbeats. */
export const discovery = {
  interval: milliseconds(10 * seconds, 'Interval between probes of a plugin; six times as long while it answers.', {
    settings: ['probing.interval'],
  }),
  timeout: milliseconds(2 * seconds, 'Time that a plugin has to answer a probe.', { settings: ['probing.timeout'] }),
  initialBackOff: milliseconds(250, 'Delay before the first retry of a failed probe; it doubles up to the interval.'),
  maxProbes: count(1_000, 'Maximum number of concurrent probes.'),
  maxDrainTime: milliseconds(10 * minutes, 'Longest time that a removed instance is kept for its in-flight calls.'),
};
