import { delegationLabel, durationBuckets, type MetricDefinition, reasonLabel } from './definition.ts';

/** Metrics of the work of delegations, with the names of controller-runtime where it has equal ones. */
export const workMetrics = {
  passes: {
    name: 'controller_runtime_reconcile_total',
    type: 'counter',
    unit: 'count',
    help: 'Passes by result',
    labels: {
      controller: delegationLabel,
      result: '`settled`, `waiting`, `retry` for a failure, `done`, `paused`, `stale` or `again`',
    },
  },
  passErrors: {
    name: 'controller_runtime_reconcile_errors_total',
    type: 'counter',
    unit: 'count',
    help: 'Passes that failed',
    labels: { controller: delegationLabel },
  },
  passTime: {
    name: 'controller_runtime_reconcile_time_seconds',
    type: 'histogram',
    unit: 'seconds',
    help: 'Duration of a pass',
    labels: { controller: delegationLabel },
    buckets: durationBuckets,
  },
  activePasses: {
    name: 'controller_runtime_active_workers',
    type: 'gauge',
    unit: 'count',
    help: 'Resources being reconciled',
    labels: { controller: delegationLabel },
  },
  queued: {
    name: 'workqueue_adds_total',
    type: 'counter',
    unit: 'count',
    help: 'Resources queued because of a change',
    labels: { name: delegationLabel },
  },
  retries: {
    name: 'workqueue_retries_total',
    type: 'counter',
    unit: 'count',
    help: 'Resources queued because a pass failed',
    labels: { name: delegationLabel },
  },
  queueDepth: {
    name: 'workqueue_depth',
    type: 'gauge',
    unit: 'count',
    help: 'Resources waiting to be reconciled',
    labels: { name: delegationLabel },
  },
  queueTime: {
    name: 'workqueue_queue_duration_seconds',
    type: 'histogram',
    unit: 'seconds',
    help: 'Time that a resource waited for its pass',
    labels: { name: delegationLabel },
    buckets: durationBuckets,
  },
  pausedResources: {
    name: 'kplug_paused_resources',
    type: 'gauge',
    unit: 'count',
    help: 'Resources that the annotation kplug.dev/paused pauses',
    labels: { delegation: delegationLabel },
  },
  writeFailures: {
    name: 'kplug_write_failures_total',
    type: 'counter',
    unit: 'count',
    help: 'Passes that failed to write a status, a finalizer or another part of a resource, by reason',
    labels: { delegation: delegationLabel, reason: reasonLabel },
  },
  writeBreakers: {
    name: 'kplug_write_breaker_open',
    type: 'gauge',
    unit: 'count',
    help: 'Causes for which writes fail; 1 for each',
    labels: { delegation: delegationLabel, reason: reasonLabel },
  },
  heldResources: {
    name: 'kplug_held_resources',
    type: 'gauge',
    unit: 'count',
    help: 'Resources waiting until writes succeed again',
    labels: { delegation: delegationLabel, reason: reasonLabel },
  },
} as const satisfies Record<string, MetricDefinition>;
