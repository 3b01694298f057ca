import { bytes, count, MiB, milliseconds, seconds } from './limit.ts';

/** Limits of `WatchPlugins` and of sessions whose answers are not read, on all ports together. */
export const watches = {
  maxWatches: count(256, 'Maximum number of open watches.'),
  maxWatchesPerPeer: count(64, 'Maximum number of open watches of one host.'),
  maxBacklog: count(10_000, 'Maximum number of changes that wait for the reader of a watch; a slower one is ended.'),
  maxBacklogSize: bytes(4 * MiB, 'Maximum size of these changes.'),
  maxTotalBacklogSize: bytes(32 * MiB, 'Maximum size of the changes that wait for all readers; the slowest is ended.'),
  maxWatchDelay: milliseconds(30 * seconds, 'Time that the reader of a watch may take to read one response.'),
  cutOffGrace: milliseconds(
    5 * seconds,
    'Time that the reader of a stream that is ended has to read the reason; then the stream is reset.',
  ),
  maxUnreadAnswers: count(16, 'Maximum number of answers of a session that its plugin has not read.'),
};
