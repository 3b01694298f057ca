import { bytes, characters, count, hours, KiB, MiB, milliseconds, minutes, seconds } from './limit.ts';

/** Limits towards a Kubernetes API server. */
export const kubernetes = {
  requestTimeout: milliseconds(30 * seconds, 'Timeout of a request.', {
    settings: ['requestTimeout'],
    sane: [5 * seconds, 1 * minutes],
  }),
  watchTimeout: milliseconds(
    45 * seconds,
    'Duration of a watch before it is renewed. A dead connection is noticed after at most a quarter more.',
    { settings: ['watchTimeout'], sane: [10 * seconds, 4 * minutes] },
  ),
  leaseDuration: milliseconds(
    15 * seconds,
    'Time after which other operators take over from a leader that does not renew.',
    { settings: ['leaderElection.leaseDuration', '--leader-election-lease-duration'] },
  ),
  renewDeadline: milliseconds(
    10 * seconds,
    'Time after which a leader that cannot renew stops. Less than the lease duration.',
    { settings: ['leaderElection.renewDeadline', '--leader-election-renew-deadline'] },
  ),
  retryPeriod: milliseconds(
    2 * seconds,
    'Interval between attempts to acquire or renew the Lease. Less than the renew deadline.',
    { settings: ['leaderElection.retryPeriod', '--leader-election-retry-period'] },
  ),
  maxConnections: count(64, 'Maximum number of concurrent requests, watches not included.'),
  keepAliveTimeout: milliseconds(30 * seconds, 'Time for which an idle connection is kept.'),
  keepAliveDelay: milliseconds(15 * seconds, 'Idle time before the first TCP keep-alive probe.'),
  maxAttempts: count(
    5,
    'Maximum number of attempts of a request that the server was too busy for, or that was cut off.',
  ),
  initialBackOff: milliseconds(100, 'Delay before the first retry of a request; it doubles.'),
  maxBackOff: milliseconds(5 * seconds, 'Longest delay between retries of a request.'),
  maxRetryAfter: milliseconds(30 * seconds, 'Longest delay that the server may request with `Retry-After`.'),
  maxConflictAttempts: count(8, 'Maximum number of attempts to write a resource that others change at the same time.'),
  initialWatchBackOff: milliseconds(200, 'Delay before the first retry of a failed list or watch; it doubles.'),
  maxWatchBackOff: milliseconds(5 * seconds, 'Longest delay between retries of a list or watch.'),
  minWatchDuration: milliseconds(1 * seconds, 'Duration below which a watch counts as failed.'),
  failuresUntilProblem: count(3, 'Number of failed lists or watches in a row that are reported as a problem.'),
  absencesUntilGone: count(2, 'Number of times in a row that a known kind must be absent to count as gone.'),
  pageSize: count(500, 'Number of objects per page of a list.'),
  maxEventSize: bytes(32 * MiB, 'Maximum size of one event of a watch.'),
  credentialsAge: milliseconds(10 * seconds, 'Time for which credentials are cached.'),
  tokenLifetime: milliseconds(1 * hours, 'Lifetime of the tokens of plugins that run as ServiceAccounts.'),
  maxSharedValues: count(1_024, 'Maximum number of equal values that resources share in memory.'),
  maxSharedFieldSets: count(4_096, 'Maximum number of equal sets of owned fields that resources share in memory.'),
  readerTimeout: milliseconds(15 * seconds, 'Timeout of each request of a tool that reads a cluster.'),
  inspectionTimeout: milliseconds(8 * seconds, 'Timeout of each request of `kplug doctor`, retries included.'),
  totalInspectionTimeout: milliseconds(15 * seconds, 'Timeout of all requests of `kplug doctor` together.'),
};

/** Limits of the Events that are written to a Kubernetes API server. */
export const events = {
  maxReadEvents: count(
    100,
    'Maximum number of Events of others that are read, to report the last one about a dependent.',
  ),
  maxReadEventLength: characters(512, 'Length at which the last Event about a dependent is cut.'),
  repeatInterval: milliseconds(1 * minutes, 'Shortest interval between writes of a repeated Event.'),
  seriesTimeout: milliseconds(6 * minutes, 'Time after which an equal Event starts a new series.'),
  burst: count(25, 'Number of new Events of a resource that are written immediately.'),
  refillInterval: milliseconds(5 * minutes, 'Interval after which a resource may have one more new Event.'),
  maxWaiting: count(1_000, 'Maximum number of Events that wait to be written; more are dropped.'),
  maxSeries: count(10_000, 'Maximum number of series in memory.'),
  maxNoteSize: bytes(1 * KiB, 'Maximum size of the text of an Event. The API server refuses longer ones.'),
};
