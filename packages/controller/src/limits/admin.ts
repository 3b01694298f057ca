import { bytes, characters, count, KiB, MiB, milliseconds, minutes, percent, seconds } from './limit.ts';

/** Limits of metrics and of Events in memory. */
export const telemetry = {
  maxPluginLabels: count(100, 'Maximum number of plugins with a separate label value in metrics.'),
  maxLabelLength: characters(63, 'Maximum length of the value of a label in metrics; longer ones are cut.'),
  maxLabelValues: count(200, 'Maximum number of values of another label in metrics; the others count as `other`.'),
  eventLineBurst: count(500, 'Number of Events that are logged immediately.'),
  eventLineInterval: milliseconds(20, 'Interval after which one more Event may be logged.'),
  maxLogTextLength: characters(8 * KiB, 'Maximum length of a text in a log line.'),
  maxLogLineLength: characters(64 * KiB, 'Length of a log line above which only its level, time and message are kept.'),
  maxEventsPerResource: count(20, 'Number of last Events that are kept in memory for a resource.'),
  maxListedEvents: count(10_000, 'Number of last Events of all resources that `kplug events` lists.'),
  maxEventLength: characters(1 * KiB, 'Maximum length of the message of an Event; longer ones are cut.'),
  loadSlots: count(12, 'Number of periods that the recent load of `kplug top` covers.'),
  loadSlotTime: milliseconds(5 * seconds, 'Length of such a period.'),
  historyIntervals: count(120, 'Number of intervals that the history of passes covers.'),
  historyInterval: milliseconds(30 * seconds, 'Length of such an interval.'),
  maxActivities: count(5_000, 'Maximum number of latest passes, Events and changes of instances in memory.'),
  maxPassesPerResource: count(20, 'Maximum number of latest passes over a resource in memory.'),
  maxPasses: count(
    20_000,
    'Maximum number of latest passes in memory; those of the resources that passed least recently are dropped.',
  ),
  maxMeasuredDuration: milliseconds(
    60 * minutes,
    'Longest duration that `kplug top` tells apart; longer ones count as this one.',
  ),
  maxFailureReasons: count(
    20,
    'Maximum number of reasons by which the failures of a plugin are counted; the others count as `Other`.',
  ),
  maxPassSteps: count(100, 'Maximum number of steps of a pass that are kept in memory; the others are counted.'),
  maxPassTextLength: characters(1 * KiB, 'Length at which the texts of passes and their traces are cut.'),
  maxLoggedOnce: count(1_000, 'Maximum number of messages that are logged once instead of once per resource.'),
};

/** Limits of the admin port. */
export const admin = {
  maxMessageSize: bytes(64 * KiB, 'Maximum size of a request.'),
  maxConnections: count(
    256,
    'Maximum number of connections of each of the ports for users, metrics and probes; at most 6 % of the file descriptors.',
    { settings: ['adminConnections.max'], min: 1, sane: [16, 10_000] },
  ),
  maxConnectionsPerPeer: count(64, 'Maximum number of these from one address, other than this machine.'),
  descriptorShare: percent(
    6,
    'Maximum share of the file descriptors of the process for connections to each of these ports.',
  ),
  handshakeTimeout: milliseconds(10 * seconds, 'Time from a connection to its first request.'),
  requestTimeout: milliseconds(30 * seconds, 'Time from the beginning of a request to the beginning of its answer.'),
  idleTimeout: milliseconds(2 * minutes, 'Time after which a connection without a request is closed.'),
  maxHeaderSize: bytes(32 * KiB, 'Maximum size of the headers of a request, including its token.'),
  maxStreams: count(100, 'Maximum number of concurrent requests on one HTTP/2 connection.'),
  maxSessionMemory: bytes(10 * MiB, 'Maximum memory of one HTTP/2 connection.'),
  maxDecisions: count(
    1_000,
    'Maximum number of tokens whose rights are in memory; the least recently used one is reviewed again.',
  ),
  decisionAge: milliseconds(10 * seconds, 'Time for which the rights of a token are not reviewed again.'),
  maxNameOwners: count(1_000, 'Maximum number of plugin names whose owners are shown.'),
  maxLoadRows: count(1_000, 'Maximum number of plugins, and of delegations, whose load is shown.'),
  maxRecentActivities: count(1_000, 'Maximum number of latest activities with which a watch of activities begins.'),
  maxActivityWatches: count(32, 'Maximum number of open watches of activities.'),
  maxActivityWatchesPerPeer: count(16, 'Maximum number of open watches of activities of one host.'),
  maxActivityBacklog: count(
    1_000,
    'Maximum number of activities that wait for the reader of a watch; the oldest are left out.',
  ),
  activityInterval: milliseconds(100, 'Interval at which activities are sent while there are many.'),
  maxActivitiesPerInterval: count(200, 'Number of activities that all readers together get in such an interval.'),
  minActivitiesPerInterval: count(10, 'Number of activities that each reader gets in such an interval at least.'),
  pageSize: count(500, 'Number of items of a page of a list, unless the request sets another one.'),
  maxPageSize: count(1_000, 'Maximum number of items of a page of a list.'),
  maxPageBytes: bytes(2 * MiB, 'Size of the plugins of a page above which the others are on the next one.'),
  maxPageFile: bytes(4 * MiB, 'Maximum size of a file of the page for people, when it is not compressed.'),
  snapshotAge: milliseconds(30 * seconds, 'Time for which the order of a list is kept for its next pages.'),
};
