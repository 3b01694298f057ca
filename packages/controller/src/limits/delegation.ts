import { bytes, characters, count, days, KiB, levels, MiB, milliseconds, minutes, seconds } from './limit.ts';

/** Limits of delegations. */
export const delegation = {
  concurrency: count(32, 'Maximum number of resources that a delegation reconciles concurrently.', {
    settings: ['concurrency', '--concurrency', 'delegations[].concurrency'],
    min: 1,
    sane: [1, 1_000],
  }),
  maxConcurrency: count(10_000, 'Largest concurrency that a delegation or `--concurrency` may set.'),
  v0Concurrency: count(
    1,
    "Maximum number of concurrent calls to one address of a plugin of the first Kplug's protocol. Others wait in line.",
    { settings: ['delegations[].v0Concurrency'], min: 1, sane: [1, 32] },
  ),
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
  maxReconcileAtLength: characters(
    1_024,
    'Longest value of the annotation `kplug.dev/reconcile-at` that a status repeats; a longer one is cut.',
  ),
  repairDelay: milliseconds(
    1 * seconds,
    'Delay before repairing a field that another client changed. It doubles with each repair in a row, up to `backOff.max`.',
  ),
  repairThreshold: count(
    3,
    'Number of repairs of a resource in a row after which an Event says that another client changes it.',
  ),
  repairMemory: milliseconds(
    10 * minutes,
    'Time without a repair after which the delay of the next one is the shortest again.',
  ),
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
  breakerTimeouts: count(
    3,
    'Number of resources whose calls time out in a row, without any answer of the plugin between, after which it gets no calls. 0 for no limit.',
    { settings: ['delegations[].breaker.timeouts'], max: 1_000, sane: [2, 20] },
  ),
  coolDown: milliseconds(
    10 * seconds,
    'Time until a plugin whose calls timed out is probed with one call; it doubles with each probe that times out.',
    { settings: ['delegations[].breaker.coolDown'], sane: [1 * seconds, 5 * minutes] },
  ),
  maxProbeInterval: milliseconds(
    1 * minutes,
    'Longest time between probes of a plugin whose calls time out, unless the cool-down is longer.',
  ),
  maxRefreshedReasons: count(
    100,
    'Maximum number of waiting resources whose status is updated with the time of the next probe.',
  ),
  maxCachedLanes: count(
    1_000,
    'Maximum number of combinations of preference and present plugins whose choice is cached for the queue.',
  ),
  passBurst: count(100, 'Number of passes over one resource that changes may cause without a pause.'),
  passInterval: milliseconds(1 * seconds, 'Interval of further passes over a resource that changes all the time.'),
  maxChoices: count(
    16,
    'Number of plugins that one pass tries because each becomes unreachable, before it is retried with back-off.',
  ),
  maxCallsOfAll: count(
    8,
    'Number of resources, as a multiple of the concurrency, that wait for plugins concurrently if every plugin reconciles each. Calls of each plugin are limited by the concurrency.',
  ),
  maxKeptAnswers: count(1_000, 'Maximum number of resources for which an answer that is yet to be written is kept.'),
  progressInterval: milliseconds(
    10 * seconds,
    'Delay until the next call of a plugin that has an operation in progress, if it requests none.',
  ),
  progressEventInterval: milliseconds(
    1 * minutes,
    'Shortest interval between Events about the progress of operations for a resource.',
  ),
  maxHeldAnswers: count(
    100_000,
    'Maximum number of resources whose last answer holds. Of more resources, the plugins are called.',
  ),
  maxStatusSize: bytes(256 * KiB, 'Maximum size of each status that a plugin returns.', {
    settings: ['delegations[].maxStatusSize'],
    min: 1 * KiB,
    max: 1 * MiB,
  }),
  holderCheckInterval: milliseconds(
    5 * seconds,
    "Interval of checks for a plugin that must finalize a resource and whose API is not the delegation's.",
  ),
  maxRequirementRounds: count(
    5,
    'Maximum number of calls of a plugin in one pass, as it requires other resources by each answer.',
  ),
  maxRequiredResources: count(100, 'Maximum number of resources that one requirement of a plugin selects.'),
  maxRequiredSize: bytes(2 * MiB, 'Maximum size of all resources together that a plugin requires for a base, as JSON.'),
  maxDependents: count(100, 'Maximum number of dependents of a base.'),
  maxRequestChanges: count(
    10,
    'Number of calls in a row that request other dependents than the call before, although neither the resource nor its extensions changed, after which the resource is retried with back-off.',
  ),
  maxReportedDifferences: count(3, 'Maximum number of differing dependents, or requirements, that a status names.'),
  maxRequirementDescriptionLength: characters(256, 'Length at which the description of a requirement is cut.'),
  maxDependentMessageLength: characters(
    256,
    'Length at which the message about a dependent is cut in the status of its base.',
  ),
  readyTimeout: milliseconds(
    10 * minutes,
    'Time that a dependent has to become ready, after which the status of its base reports that as a failure.',
    { settings: ['delegations[].dependents.readyTimeout'], sane: [10 * seconds, 60 * minutes] },
  ),
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

/** Limits of CEL expressions of plugins. */
export const expressions = {
  maxLength: characters(1_024, 'Maximum length of an expression.'),
  maxNodes: count(500, 'Maximum number of terms of an expression, at all depths.'),
  maxNesting: levels(2, 'Maximum number of nested loops of an expression, such as `exists` in `all`.'),
  maxCost: count(
    1_000_000,
    'Maximum number of steps that an expression may take with the resources that it reads. It is computed before the evaluation.',
  ),
  textPerCost: characters(
    1_024,
    'Length of the longest text that an expression reads, for which a step counts once more.',
  ),
  maxCached: count(1_000, 'Maximum number of parsed expressions that are kept.'),
  maxFaultLength: characters(256, 'Length at which the reason is cut why an expression has no value.'),
};

/** Limits of the readiness of dependents. */
export const readiness = {
  scheduleTime: milliseconds(
    15 * seconds,
    'Time that a pod has to be scheduled before it counts as failed, as in kstatus.',
  ),
};
