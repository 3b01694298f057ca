import { controllers, delegations, operators, queues, type Row, share } from '../panel.ts';

const bad = (from: number) =>
  [
    { from: 0, color: 'green' },
    { from, color: 'red' },
  ] as const;
const good = [
  { from: 0, color: 'red' },
  { from: 1, color: 'green' },
] as const;

/** What an operator looks at first. */
export const overview: Row = {
  title: 'At a glance',
  panels: [
    {
      title: 'Ready',
      description:
        'Share of the resources that are ready. What is missing to 100 % is under "Resources by state" and "Why resources are not ready".',
      type: 'stat',
      unit: 'percentunit',
      width: 4,
      thresholds: [
        { from: 0, color: 'red' },
        { from: 0.9, color: 'orange' },
        { from: 0.99, color: 'green' },
      ],
      queries: [
        {
          expr: `sum(kplug_resources{${delegations}, state="ready"}) / sum(kplug_resources{${delegations}})`,
          legend: 'ready',
        },
      ],
    },
    {
      title: 'Not ready',
      description: 'Number of resources that wait or fail.',
      type: 'stat',
      unit: 'short',
      width: 3,
      thresholds: bad(1),
      queries: [{ expr: `sum(kplug_resources{${delegations}, state=~"waiting|failing"})`, legend: 'not ready' }],
    },
    {
      title: 'Failing passes',
      description: 'Share of the passes that failed, for now or for good.',
      type: 'stat',
      unit: 'percentunit',
      width: 3,
      thresholds: bad(0.05),
      queries: [
        {
          expr: share(
            `sum(rate(kplug_pass_failures_total{${delegations}}[$__rate_interval]))`,
            `sum(rate(controller_runtime_reconcile_total{${controllers}}[$__rate_interval]))`,
          ),
          legend: 'failing',
        },
      ],
    },
    {
      title: 'Queued',
      description: 'Resources that wait for a pass now.',
      type: 'stat',
      unit: 'short',
      width: 3,
      queries: [{ expr: `sum(workqueue_depth{${queues}})`, legend: 'queued' }],
    },
    {
      title: 'Live instances',
      description: 'Instances of plugins that send heartbeats and answer.',
      type: 'stat',
      unit: 'short',
      width: 3,
      thresholds: good,
      queries: [{ expr: `sum(kplug_plugin_instances{${operators}, state="live"})`, legend: 'live' }],
    },
    {
      title: 'Suspended plugins',
      description: 'Plugins that get no calls, as they timed out. See "Plugins that are suspended".',
      type: 'stat',
      unit: 'short',
      width: 3,
      thresholds: bad(1),
      queries: [{ expr: `sum(kplug_plugin_suspended{${delegations}}) or vector(0)`, legend: 'suspended' }],
    },
    {
      title: 'Leaders',
      description: 'Replicas that lead, of those with leader election: one for each operator.',
      type: 'stat',
      unit: 'short',
      width: 3,
      thresholds: good,
      queries: [{ expr: `sum(leader_election_master_status{${operators}, name="kplug"})`, legend: 'leaders' }],
    },
    {
      title: 'Versions',
      description: 'Replicas by version of Kplug.',
      type: 'stat',
      unit: 'short',
      width: 2,
      queries: [{ expr: `count by (version) (kplug_build_info{${operators}})`, legend: '{{version}}' }],
    },
  ],
};
