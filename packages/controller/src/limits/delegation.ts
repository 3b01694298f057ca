import { characters, count, days, milliseconds, minutes, seconds } from './limit.ts';

/** Limits of delegations. */
export const delegation = {
  concurrency: count(32, 'Maximum number of resources that a delegation reconciles concurrently.', {
    settings: ['concurrency', '--concurrency', 'delegations[].concurrency'],
    min: 1,
    sane: [1, 1_000],
  }),
  maxConcurrency: count(10_000, 'Largest concurrency that a delegation or `--concurrency` may set.'),
  deadline: milliseconds(1 * minutes, 'Deadline of one call of a plugin.', {
    settings: ['delegations[].deadline'],
    sane: [1 * seconds, 60 * minutes],
  }),
  resync: milliseconds(10 * minutes, 'Interval after which a resource is reconciled again without a change.', {
    settings: ['delegations[].resync'],
  }),
  minRequeueInterval: milliseconds(
    1 * seconds,
    'Shortest delay that a plugin may request between two calls for a resource.',
    { settings: ['delegations[].minRequeueInterval'], sane: [100, 1 * minutes] },
  ),
  maxDuration: milliseconds(365 * days, 'Largest duration that a delegation may set.'),
  initialBackOff: milliseconds(200, 'Delay before the first retry of a failed resource; it doubles.', {
    settings: ['delegations[].backOff.initial'],
  }),
  maxBackOff: milliseconds(5 * minutes, 'Longest delay between retries of a failed resource.', {
    settings: ['delegations[].backOff.max'],
  }),
  releaseAfter: milliseconds(
    5 * minutes,
    'Time between the deletion and the release of a resource whose plugin is unavailable.',
    { settings: ['delegations[].finalize.releaseAfter'] },
  ),
  repairDelay: milliseconds(1 * seconds, 'Delay before repairing a field that another client changed.'),
  refreshDelay: milliseconds(500, 'Delay before refreshing the reason why a resource waits.'),
  refreshSpacing: milliseconds(10, 'Spacing between refreshes of several waiting resources.'),
  writeFailureThreshold: count(
    3,
    'Number of resources whose writes fail with the same cause, without a success between, after which the others wait.',
  ),
  maxWriteProbeInterval: milliseconds(
    30 * seconds,
    'Longest interval at which one of the waiting resources is reconciled, to find out whether writes succeed again.',
  ),
  writeFailureLogInterval: milliseconds(1 * minutes, 'Interval of the log lines about failed writes with one cause.'),
  maxKeptAnswers: count(1_000, 'Maximum number of resources for which an answer that is yet to be written is kept.'),
  holderCheckInterval: milliseconds(
    5 * seconds,
    "Interval of checks for a plugin that must finalize a resource and whose API is not the delegation's.",
  ),
  maxDependents: count(100, 'Maximum number of dependents of a base.'),
  maxListed: count(64, 'Maximum number of entries of each list of a delegation.'),
  maxNameLength: characters(63, 'Maximum length of the name of a delegation, of a kind, and of the value of a label.'),
  maxPathLength: characters(253, 'Maximum length of an API version, a path, a pattern and a capability.'),
  maxLabelKeyLength: characters(317, 'Maximum length of the name of a label, prefix included.'),
};

/** Limits of delegations that are declared as resources. */
export const delegationResources = {
  concurrency: count(16, 'Maximum number of `Delegation` resources that are followed up concurrently.'),
  maxBackOff: milliseconds(1 * minutes, 'Longest delay between retries of a `Delegation`.'),
  settleTime: milliseconds(1 * seconds, 'Delay between a change and the update of the status of a `Delegation`.'),
  missingRightsAge: milliseconds(5 * seconds, 'Time for which a review that found missing rights is valid.'),
  sufficientRightsAge: milliseconds(10 * minutes, 'Time for which a review that found sufficient rights is valid.'),
};
