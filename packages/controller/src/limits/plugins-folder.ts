import { bytes, characters, count, GiB, hours, KiB, levels, MiB, milliseconds, minutes, seconds } from './limit.ts';

/** Limits of the plugins that the controller runs from a folder. */
export const pluginsFolder = {
  startTimeout: milliseconds(1 * minutes, 'Time that a process may take to register.', {
    settings: ['pluginsFolder.health.startTimeout', 'health.startTimeout in plugin.yaml'],
  }),
  lostTimeout: milliseconds(
    1 * minutes,
    'Time that a process may be unregistered or unreachable after it has registered.',
    {
      settings: ['pluginsFolder.health.lostTimeout', 'health.lostTimeout in plugin.yaml'],
    },
  ),
  initialBackOff: milliseconds(1 * seconds, 'Delay before the first restart of a failed process; it doubles.', {
    settings: ['pluginsFolder.restart.initialBackOff', 'restart.initialBackOff in plugin.yaml'],
  }),
  maxBackOff: milliseconds(1 * minutes, 'Longest delay between restarts of a failed process.', {
    settings: ['pluginsFolder.restart.maxBackOff', 'restart.maxBackOff in plugin.yaml'],
  }),
  resetAfter: milliseconds(1 * minutes, 'Time that a process must be live for its failures to be forgotten.', {
    settings: ['pluginsFolder.restart.resetAfter', 'restart.resetAfter in plugin.yaml'],
  }),
  failingAfter: count(3, 'Number of failures in a row from which on a plugin is reported as failing.'),
  drainTimeout: milliseconds(30 * seconds, 'Time that a process may take to exit after it was replaced or removed.', {
    settings: ['pluginsFolder.drainTimeout', 'drainTimeout in plugin.yaml'],
  }),
  stopTimeout: milliseconds(
    5 * seconds,
    'Time that processes may take to exit when the controller stops, after their calls have ended.',
    { settings: ['pluginsFolder.stopTimeout'] },
  ),
  killTimeout: milliseconds(2 * seconds, 'Time that killed processes may take to exit when the controller stops.'),
  settleTime: milliseconds(500, 'Time that a file must stay unchanged before it is started.', {
    settings: ['pluginsFolder.settleTime'],
    sane: [100, 5 * seconds],
  }),
  minSettleInterval: milliseconds(10, 'Shortest delay between scans while a file settles.'),
  scanInterval: milliseconds(5 * seconds, 'Interval of regular scans for changes that the system does not report.', {
    settings: ['pluginsFolder.scanInterval'],
  }),
  changeDelay: milliseconds(100, 'Delay between a reported change and the scan for it.'),
  maxListedFiles: count(
    20_000,
    'Maximum number of files of an entry that are checked for whether it is still changing.',
  ),
  maxCheckedFiles: count(200_000, 'Maximum number of files of a plugin, whose permissions are checked.'),
  maxLinks: count(40, 'Maximum number of symbolic links in a path, as in the kernel of Linux.'),
  maxFileSize: bytes(64 * KiB, 'Maximum size of a `plugin.yaml`.'),
  minOpenFiles: count(16, 'Smallest limit of open files that a `plugin.yaml` may set.'),
  maxNiceness: count(19, 'Largest niceness that a `plugin.yaml` may set.'),
  guardTimeout: milliseconds(10 * seconds, 'Time that the guard process may take to confirm a process group.'),
  memoryInterval: milliseconds(1 * seconds, 'Interval of memory checks of a process with a memory limit.'),
  outputTimeout: milliseconds(500, 'Time to wait for the end of the output after all processes have exited.'),
  maxLineLength: characters(8 * KiB, 'Maximum length of a logged line of output.'),
  maxFieldDepth: levels(16, 'Maximum depth of a field of a logged line in JSON; deeper ones are left out.'),
  maxOutputRate: bytes(2 * MiB, 'Maximum output that is read of each stream of a process in a second.'),
  maxKeptLines: count(20, 'Number of last lines of output that are kept.'),
  maxKeptLineLength: characters(500, 'Maximum length of each line that is kept.'),
  maxOutputLines: count(1_000, 'Number of last lines of output of a plugin that `kplug logs` shows.'),
  maxOutputSize: characters(256 * KiB, 'Maximum length of these lines together.'),
  shownLines: count(3, 'Number of lines of output in the message about a failed process.'),
  maxShownFaults: count(20, 'Maximum number of faults of a `plugin.yaml` in an error message.'),
  lineBurst: count(1_000, 'Number of lines of output that are logged immediately.'),
  lineInterval: milliseconds(10, 'Interval after which one more line of output may be logged.'),
  tokenRetryDelay: milliseconds(10 * seconds, 'Delay before another attempt to renew the token of a plugin.'),
};

/** Limits of downloaded plugins. */
export const downloads = {
  maxArchiveSize: bytes(256 * MiB, 'Maximum size of an archive.', { settings: ['pluginsFolder.list.maxBytes'] }),
  maxContentSize: bytes(1 * GiB, 'Maximum size of all files of an archive together.', {
    settings: ['pluginsFolder.list.limits.maxBytes'],
  }),
  maxFiles: count(20_000, 'Maximum number of files, folders and links of an archive together.', {
    settings: ['pluginsFolder.list.limits.maxFiles'],
  }),
  unpackTimeout: milliseconds(2 * minutes, 'Maximum time of unpacking an archive.', {
    settings: ['pluginsFolder.list.limits.maxTime'],
    sane: [10 * seconds, 10 * minutes],
  }),
  unpackHeap: bytes(128 * MiB, 'Maximum heap of the process that unpacks an archive.'),
  unpackMemory: bytes(512 * MiB, 'Maximum resident memory of the process that unpacks an archive.'),
  maxDepth: levels(64, 'Maximum depth of folders in an archive.'),
  maxPathLength: characters(1 * KiB, 'Maximum length of a path in an archive.'),
  maxNameLength: bytes(255, 'Maximum length of a name in a path of an archive, as in common file systems.'),
  headerSpace: bytes(4 * KiB, 'Size of headers per file of an archive, on average.'),
  maxFaultLength: characters(500, 'Maximum length of the reason why an archive is refused.'),
  maxShownLength: characters(300, 'Maximum length of a URL in a message.'),
  concurrency: count(3, 'Maximum number of concurrent downloads.', {
    settings: ['pluginsFolder.list.concurrency'],
    min: 1,
  }),
  initialBackOff: milliseconds(2 * seconds, 'Delay before the first retry of a failed download; it doubles.', {
    settings: ['pluginsFolder.list.backOff.initial'],
  }),
  maxBackOff: milliseconds(5 * minutes, 'Longest delay between retries of a failed download.', {
    settings: ['pluginsFolder.list.backOff.max'],
  }),
  idleTimeout: milliseconds(30 * seconds, 'Time that the server of a download may send nothing.'),
  downloadTimeout: milliseconds(30 * minutes, 'Maximum time of a download.', {
    settings: ['pluginsFolder.list.timeout'],
    sane: [1 * minutes, 2 * hours],
  }),
  maxRedirects: count(5, 'Maximum number of redirects of a download.'),
  minUnusedAge: milliseconds(24 * hours, 'Age below which an unused release is not removed.'),
};
