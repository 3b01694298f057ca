import { delegationLabel, durationBuckets, type MetricDefinition, reasonLabel } from './definition.ts';

const pluginLabel = 'name of the plugin; `other` beyond the first hundred';

/** Metrics of plugins: their registrations, and their calls. */
export const pluginMetrics = {
  calls: {
    name: 'kplug_plugin_call_duration_seconds',
    type: 'histogram',
    unit: 'seconds',
    help: 'Duration of calls of plugins, by gRPC code',
    labels: { plugin: pluginLabel, method: 'name of the RPC', code: 'name of the gRPC code, such as `OK`' },
    buckets: durationBuckets,
  },
  waitingCalls: {
    name: 'kplug_waiting_calls',
    type: 'gauge',
    unit: 'count',
    help: 'Calls waiting for their turn at plugins of the first Kplug',
    labels: {},
  },
  suspended: {
    name: 'kplug_plugin_suspended',
    type: 'gauge',
    unit: 'count',
    help: 'Plugins that get no calls of a method because these time out: number of suspended versions',
    labels: { delegation: delegationLabel, plugin: pluginLabel, method: 'name of the RPC' },
  },
  instances: {
    name: 'kplug_plugin_instances',
    type: 'gauge',
    unit: 'count',
    help: 'Known plugin instances by state',
    labels: { state: '`live`, `suspect` or `draining`' },
  },
  instanceChanges: {
    name: 'kplug_plugin_instance_changes_total',
    type: 'counter',
    unit: 'count',
    help: 'Plugin instances that came into a state; those of plugins that were never called count as `other`',
    labels: { plugin: pluginLabel, state: '`live`, `suspect`, `draining` or `gone`' },
  },
  hosted: {
    name: 'kplug_hosted_plugins',
    type: 'gauge',
    unit: 'count',
    help: 'Plugins of the plugins folder by state',
    labels: { state: 'state of the process, as `kplug plugins` prints it' },
  },
  heartbeats: {
    name: 'kplug_heartbeats_total',
    type: 'counter',
    unit: 'count',
    help: 'Heartbeats received',
    labels: { way: '`session`, `unary` or `first-kplug`' },
  },
  refusals: {
    name: 'kplug_registrations_refused_total',
    type: 'counter',
    unit: 'count',
    help: 'Registrations refused, by reason',
    labels: { reason: reasonLabel },
  },
} as const satisfies Record<string, MetricDefinition>;
