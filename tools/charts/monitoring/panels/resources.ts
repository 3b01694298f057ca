import { controllers, delegations, failedPasses, percentiles, queues, type Row, rate, share } from '../panel.ts';

/** State of the resources, and why they are not ready. */
export const resources: Row = {
  title: 'Resources',
  panels: [
    {
      title: 'Resources by state',
      description:
        'Each delegated resource in the state that its status tells. `kplug get` lists those that are not ready.',
      type: 'timeseries',
      unit: 'short',
      width: 12,
      isStacked: true,
      queries: [
        {
          expr: `sum by (delegation, state) (kplug_resources{${delegations}})`,
          legend: '{{delegation}} {{state}}',
        },
      ],
    },
    {
      title: 'Why resources are not ready',
      description:
        'Resources that wait, fail, are deleted or paused now, by the reason in their status, the most frequent first.',
      type: 'bargauge',
      unit: 'short',
      width: 12,
      queries: [
        {
          expr: `topk(10, sum by (delegation, state, reason) (kplug_unready_resources{${delegations}}) > 0)`,
          legend: '{{delegation}} {{state}} {{reason}}',
          isInstant: true,
        },
      ],
    },
    {
      title: 'Why passes fail',
      description:
        'Failed passes in the selected time by reason, the most frequent first. The reference of reasons says what each means.',
      type: 'bargauge',
      unit: 'short',
      width: 12,
      queries: [
        {
          expr: `topk(10, sum by (delegation, reason) (increase(kplug_pass_failures_total{${delegations}}[$__range])) > 0)`,
          legend: '{{delegation}} {{reason}}',
          isInstant: true,
        },
      ],
    },
    {
      title: 'Failed passes by reason',
      description: 'When failures began, and whether they end.',
      type: 'timeseries',
      unit: 'ops',
      width: 12,
      queries: [
        {
          expr: rate('kplug_pass_failures_total', delegations, 'delegation, reason'),
          legend: '{{delegation}} {{reason}}',
        },
      ],
    },
    {
      title: 'Paused resources',
      description: 'Resources with the annotation kplug.dev/paused: nothing is done for them.',
      type: 'timeseries',
      unit: 'short',
      width: 12,
      queries: [{ expr: `sum by (delegation) (kplug_paused_resources{${delegations}})`, legend: '{{delegation}}' }],
    },
    {
      title: 'Kinds that cannot be read',
      description: 'Delegations whose resources the operator cannot read: their states are those of before.',
      type: 'timeseries',
      unit: 'short',
      width: 12,
      queries: [
        {
          expr: `sum by (delegation, reason) (kplug_kind_unreadable{${delegations}})`,
          legend: '{{delegation}} {{reason}}',
        },
      ],
    },
  ],
};

/** Passes and their queue. */
export const passes: Row = {
  title: 'Passes and queue',
  panels: [
    {
      title: 'Passes by result',
      description: 'Passes per second. Many with the result `stale` mean that resources change during their passes.',
      type: 'timeseries',
      unit: 'ops',
      width: 12,
      isStacked: true,
      queries: [
        {
          expr: rate('controller_runtime_reconcile_total', controllers, 'controller, result'),
          legend: '{{controller}} {{result}}',
        },
      ],
    },
    {
      title: 'Share of failed passes',
      description:
        'Failed passes of all passes. Failing resources are retried less and less often, so that a low share may still be many resources.',
      type: 'timeseries',
      unit: 'percentunit',
      width: 12,
      queries: [
        {
          expr: share(failedPasses(), rate('controller_runtime_reconcile_total', controllers, 'controller')),
          legend: '{{controller}}',
        },
      ],
    },
    {
      title: 'Duration of passes',
      description:
        'Most of it is usually the call of a plugin; compare with "Duration of calls". Points link to traces.',
      type: 'timeseries',
      unit: 's',
      width: 12,
      queries: percentiles('controller_runtime_reconcile_time_seconds', controllers, 'controller'),
    },
    {
      title: 'Time in the queue',
      description:
        'Time from a change until its pass begins. It grows when passes are too slow, or too few are allowed concurrently.',
      type: 'timeseries',
      unit: 's',
      width: 12,
      queries: percentiles('workqueue_queue_duration_seconds', queues, 'name'),
    },
    {
      title: 'Queue depth',
      description: 'Resources that wait for a pass.',
      type: 'timeseries',
      unit: 'short',
      width: 12,
      queries: [{ expr: `sum by (name) (workqueue_depth{${queues}})`, legend: '{{name}}' }],
    },
    {
      title: 'Concurrent passes',
      description: 'Passes in progress, and how many are allowed. When all are in use, resources wait.',
      type: 'timeseries',
      unit: 'short',
      width: 12,
      queries: [
        { expr: `sum by (controller) (controller_runtime_active_workers{${controllers}})`, legend: '{{controller}}' },
        {
          expr: `max by (controller) (controller_runtime_max_concurrent_reconciles{${controllers}})`,
          legend: '{{controller}} allowed',
        },
      ],
    },
  ],
};
