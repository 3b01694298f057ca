import { delegations, operators, percentiles, type Row, rate, share } from '../panel.ts';

const calls = 'kplug_plugin_call_duration_seconds';

/** Plugins: their calls and registrations. */
export const plugins: Row = {
  title: 'Plugins',
  panels: [
    {
      title: 'Calls by plugin and code',
      description:
        'Calls per second by the gRPC code they end with. A plugin that answers with a failure of a resource ends with `OK`.',
      type: 'timeseries',
      unit: 'reqps',
      width: 12,
      isStacked: true,
      queries: [{ expr: rate(`${calls}_count`, operators, 'plugin, code'), legend: '{{plugin}} {{code}}' }],
    },
    {
      title: 'Duration of calls',
      description: 'Time until a plugin answers. Points link to traces.',
      type: 'timeseries',
      unit: 's',
      width: 12,
      queries: percentiles(calls, operators, 'plugin'),
    },
    {
      title: 'Share of failed calls',
      description: 'Calls that ended with an error, of all calls.',
      type: 'timeseries',
      unit: 'percentunit',
      width: 12,
      queries: [
        {
          expr: share(
            rate(`${calls}_count`, `${operators}, code!="OK"`, 'plugin'),
            rate(`${calls}_count`, operators, 'plugin'),
          ),
          legend: '{{plugin}}',
        },
      ],
    },
    {
      title: 'Plugins that are suspended',
      description:
        'Suspended versions of plugins: their calls timed out, and they get only probes until one is answered.',
      type: 'timeseries',
      unit: 'short',
      width: 12,
      queries: [
        {
          expr: `sum by (delegation, plugin, method) (kplug_plugin_suspended{${delegations}})`,
          legend: '{{delegation}} {{plugin}} {{method}}',
        },
      ],
    },
    {
      title: 'Instances by state',
      description: '`suspect`: the connection broke, or it does not answer. `draining`: it is stopping.',
      type: 'timeseries',
      unit: 'short',
      width: 8,
      isStacked: true,
      queries: [{ expr: `sum by (state) (kplug_plugin_instances{${operators}})`, legend: '{{state}}' }],
    },
    {
      title: 'Changes of instances',
      description:
        'Instances that came, went or became suspect. Frequent changes mean that a plugin crashes or loses its connection.',
      type: 'timeseries',
      unit: 'ops',
      width: 8,
      queries: [
        {
          expr: rate('kplug_plugin_instance_changes_total', operators, 'plugin, state'),
          legend: '{{plugin}} {{state}}',
        },
      ],
    },
    {
      title: 'Plugins of the folder',
      description: 'Plugins that the operator runs itself, by the state of their process.',
      type: 'timeseries',
      unit: 'short',
      width: 8,
      isStacked: true,
      queries: [{ expr: `sum by (state) (kplug_hosted_plugins{${operators}})`, legend: '{{state}}' }],
    },
    {
      title: 'Refused registrations',
      description: 'Registrations per second that were refused, by reason. The log of the operator names the plugin.',
      type: 'timeseries',
      unit: 'ops',
      width: 8,
      queries: [{ expr: rate('kplug_registrations_refused_total', operators, 'reason'), legend: '{{reason}}' }],
    },
    {
      title: 'Proofs of identity',
      description: 'Tokens and certificates of plugins that were accepted, refused, or could not be checked.',
      type: 'timeseries',
      unit: 'ops',
      width: 8,
      queries: [
        { expr: rate('kplug_authentications_total', operators, 'method, result'), legend: '{{method}} {{result}}' },
      ],
    },
    {
      title: 'Heartbeats',
      description: 'Heartbeats per second, by the way they came.',
      type: 'timeseries',
      unit: 'ops',
      width: 8,
      queries: [{ expr: rate('kplug_heartbeats_total', operators, 'way'), legend: '{{way}}' }],
    },
  ],
};
