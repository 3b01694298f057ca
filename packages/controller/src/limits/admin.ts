import { bytes, characters, count, KiB, MiB, milliseconds, seconds } from './limit.ts';

/** Limits of metrics and of Events in memory. */
export const telemetry = {
  maxPluginLabels: count(100, 'Maximum number of plugins with a separate label value in metrics.'),
  maxEventsPerResource: count(20, 'Number of last Events that are kept in memory for a resource.'),
  maxEventLength: characters(2 * KiB, 'Maximum length of the message of an Event; longer ones are cut.'),
  maxLoggedOnce: count(1_000, 'Maximum number of messages that are logged once instead of once per resource.'),
};

/** Limits of the admin port. */
export const admin = {
  maxMessageSize: bytes(64 * KiB, 'Maximum size of a request.'),
  maxStreams: count(100, 'Maximum number of concurrent requests on one HTTP/2 connection.'),
  maxSessionMemory: bytes(10 * MiB, 'Maximum memory of one HTTP/2 connection.'),
  pageSize: count(500, 'Number of items of a page of a list, unless the request sets another one.'),
  maxPageSize: count(1_000, 'Maximum number of items of a page of a list.'),
  snapshotAge: milliseconds(30 * seconds, 'Time for which the order of a list is kept for its next pages.'),
};
