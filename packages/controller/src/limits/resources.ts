import { bytes, characters, count, KiB, levels, MiB, milliseconds, minutes, percent, seconds } from './limit.ts';

/** Limits of resources, whatever their source. */
export const resources = {
  maxDepth: levels(100, 'Maximum depth of nested objects and lists in a resource.'),
  maxJsonSize: characters(4 * MiB, 'Maximum size of a resource with its aliases expanded. Kubernetes accepts 3 MiB.'),
  maxManifestSize: bytes(4 * MiB, 'Maximum size of a manifest file.'),
  maxConfigurationSize: bytes(1 * MiB, 'Maximum size of a configuration file, such as `kplug.yaml`.'),
  maxDocumentTokens: count(
    500_000,
    'Maximum number of YAML tokens of a document: words, indicators, line breaks and indentations. A line has about seven.',
  ),
  maxDocuments: count(100_000, 'Maximum number of documents of a manifest file, empty ones included.'),
  maxAliases: count(50, 'Maximum number of aliases in a YAML document.'),
  maxAliasedValues: count(10_000, 'Maximum number of values that the aliases in a YAML document stand for.'),
  maxLabelLength: characters(63, 'Maximum length of a kind, of a namespace, and of the name and value of a label.'),
  maxAnnotationsSize: bytes(256 * KiB, 'Maximum size of the annotations of a dependent together.'),
  maxNameLength: characters(253, 'Maximum length of the name of a resource.'),
  maxApiVersionLength: characters(317, 'Maximum length of an API version.'),
  maxConditionLength: characters(2 * KiB, 'Maximum length of the message of a condition; longer ones are cut.'),
};

/** Limits of resources in a directory. */
export const directory = {
  scanInterval: milliseconds(10 * seconds, 'Interval of regular scans for changes that the system does not report.', {
    settings: ['scanInterval'],
    sane: [1 * seconds, 1 * minutes],
  }),
  changeDelay: milliseconds(10, 'Delay between a reported change and the scan for it.'),
  maxFileProblems: count(50, 'Number of problems of one file after which the rest of it is not read.'),
  settleTime: milliseconds(50, 'Time that a changed file must stay unchanged before it is read.'),
  deletionSettleTime: milliseconds(
    1 * seconds,
    'Time that a file must be missing to count as deleted, or that a file must exist which replaced one with more resources.',
  ),
  rewriteSettleTime: milliseconds(
    2 * seconds,
    'Time that a file that was overwritten with fewer resources must stay closed and unchanged before these are deleted.',
  ),
  hiddenRewriteSettleTime: milliseconds(
    5 * seconds,
    'The same where it is not known whether a program has the file open, as with other containers, users and machines.',
  ),
  maxChangingTime: milliseconds(
    10 * seconds,
    'Time that a file may be open for writing, or keep changing, before it is reported and other files no longer wait for it.',
  ),
  writerInterval: milliseconds(250, 'Interval of checks of a file that is open for writing.'),
  maxDeletions: percent(50, 'Largest share of the resources that is deleted at once without a confirmation.', {
    settings: ['maxDeletions', '--max-deletions'],
    max: 100,
    sane: [10, 100],
  }),
  maxDeletionsThreshold: count(10, 'Number of resources from which `maxDeletions` applies.', {
    settings: ['maxDeletionsThreshold', '--max-deletions-threshold'],
    min: 1,
    max: 1_000_000,
    sane: [2, 1_000],
  }),
  deletionWindow: milliseconds(10 * seconds, 'Time within which deletions count as made at once.'),
  confirmationInterval: milliseconds(500, 'Interval of checks for a confirmation while deletions are held.'),
  maxNamedResources: count(3, 'Maximum number of resources that a message about a file names.'),
  returnSettleTime: milliseconds(
    2 * seconds,
    'Time that a file must be missing to count as deleted after the directory was missing.',
  ),
  searchInterval: milliseconds(500, 'Interval of checks for a missing directory.'),
  identityCheckInterval: milliseconds(
    1 * seconds,
    'Interval of checks whether the directory was replaced by another one.',
  ),
  retryInterval: milliseconds(1 * seconds, 'Interval of retries of failed state writes.'),
  maxStartTime: milliseconds(3 * seconds, 'Longest time that the start waits for files to settle.'),
  lockRefreshInterval: milliseconds(500, 'Interval at which an operator refreshes the lock of its directory.'),
  staleLockTime: milliseconds(
    15 * seconds,
    'Time without a refresh after which a lock is stale whose process is in another container or on another machine.',
  ),
  maxForeignLockAge: milliseconds(
    1 * minutes,
    'Age above which the lock of another machine is stale that an earlier version of Kplug wrote.',
  ),
  maxReadAttempts: count(5, 'Maximum number of attempts to read files that change while they are read.'),
  maxConcurrentReads: count(64, 'Maximum number of state files of an earlier version that are read concurrently.'),
  maxNameLength: characters(200, 'Maximum length of a name that became the name of such a state file unchanged.'),
  maxWriteDelay: milliseconds(1 * seconds, 'Longest delay of a state write that nothing waits for.'),
  maxWriteChunk: characters(256 * KiB, 'Amount of states that is formatted before it is written.'),
  minCompactedSize: bytes(1 * MiB, 'Size of the state journal below which it is not compacted.'),
  compactionFactor: count(
    4,
    'Size of the state journal that causes its compaction, in multiples of the compacted size.',
  ),
};
