/** An alert of Prometheus. */
export interface Alert {
  name: string;
  severity: 'critical' | 'warning';
  /** Expression in PromQL, whose result is not empty while the alert is active. It selects the operators by `operators`. */
  expr: string;
  /** Time for which the expression must hold. */
  for: string;
  summary: string;
  /** Sentences with the values of labels, as Prometheus renders them. */
  description: string;
}

/** Labels of the targets that an operator's metrics are summed by: one operator, whatever its number of replicas. */
const by = 'namespace, job';

/** Selector of the operators that the alerts watch: any. The chart replaces it by the selector of its own operator. */
export const operators = 'job=~".+"';

/** Restricts a metric that every controller has to operators of Kplug. */
const ofKplug = `and on (${by}) kplug_build_info{${operators}}`;

/** Alerts on an operator and its plugins. */
export const alerts: readonly Alert[] = [
  {
    name: 'KplugOperatorAbsent',
    severity: 'critical',
    expr: `absent(kplug_build_info{${operators}})`,
    for: '5m',
    summary: 'Prometheus sees no operator of Kplug',
    description: 'No replica of the operator can be scraped. Resources are not reconciled if none runs.',
  },
  {
    name: 'KplugNoLeader',
    severity: 'critical',
    expr: `max by (${by}) (leader_election_master_status{${operators}, name="kplug"}) == 0`,
    for: '5m',
    summary: 'No replica of the operator leads',
    description: 'No replica of {{ $labels.job }} leads, so that nothing is reconciled and plugins cannot register.',
  },
  {
    name: 'KplugResourcesNotReady',
    severity: 'warning',
    expr: [
      `sum by (${by}, delegation) (kplug_resources{${operators}, state=~"waiting|failing"})`,
      `  / sum by (${by}, delegation) (kplug_resources{${operators}})`,
      '  > 0.1',
    ].join('\n'),
    for: '30m',
    summary: 'More than a tenth of the resources of a delegation is not ready',
    description:
      '{{ $value | humanizePercentage }} of the resources of the delegation {{ $labels.delegation }} has not been ready for 30 minutes.',
  },
  {
    name: 'KplugKindUnreadable',
    severity: 'warning',
    expr: `max by (${by}, delegation, reason) (kplug_kind_unreadable{${operators}}) > 0`,
    for: '5m',
    summary: 'The resources of a delegation cannot be read',
    description:
      'The operator cannot read the resources of the delegation {{ $labels.delegation }}, and knows their former states only: {{ $labels.reason }}.',
  },
  {
    name: 'KplugPassesFailing',
    severity: 'warning',
    expr: [
      `sum by (${by}, delegation) (rate(kplug_pass_failures_total{${operators}}[10m]))`,
      `  / sum by (${by}, delegation) (`,
      '    label_replace(',
      `      rate(controller_runtime_reconcile_total{${operators}}[10m]), "delegation", "$1", "controller", "(.+)"`,
      '    )',
      '  )',
      '  > 0.5',
    ].join('\n'),
    for: '15m',
    summary: 'Most passes of a delegation fail',
    description: '{{ $value | humanizePercentage }} of the passes of the delegation {{ $labels.delegation }} fail.',
  },
  {
    name: 'KplugPluginFailing',
    severity: 'warning',
    expr: [
      `sum by (${by}, plugin) (rate(kplug_plugin_call_duration_seconds_count{${operators}, code!="OK"}[10m]))`,
      `  / sum by (${by}, plugin) (rate(kplug_plugin_call_duration_seconds_count{${operators}}[10m]))`,
      '  > 0.2',
    ].join('\n'),
    for: '15m',
    summary: 'Calls of a plugin fail',
    description: '{{ $value | humanizePercentage }} of the calls of the plugin {{ $labels.plugin }} end with an error.',
  },
  {
    name: 'KplugPluginSuspended',
    severity: 'warning',
    expr: `max by (${by}, delegation, plugin, method) (kplug_plugin_suspended{${operators}}) > 0`,
    for: '5m',
    summary: 'A plugin is suspended, as its calls time out',
    description:
      'The plugin {{ $labels.plugin }} gets no calls of {{ $labels.method }} for the delegation {{ $labels.delegation }}, but for probes.',
  },
  {
    name: 'KplugInstancesSuspect',
    severity: 'warning',
    expr: `sum by (${by}) (kplug_plugin_instances{${operators}, state="suspect"}) > 0`,
    for: '10m',
    summary: 'Instances of plugins are suspect',
    description: '{{ $value }} instances of plugins send heartbeats but do not answer, or lost their connection.',
  },
  {
    name: 'KplugRegistrationsRefused',
    severity: 'warning',
    expr: `sum by (${by}, reason) (increase(kplug_registrations_refused_total{${operators}}[10m])) > 0`,
    for: '15m',
    summary: 'Registrations of plugins are refused',
    description: 'Plugins try to register again and again, and are refused with the reason {{ $labels.reason }}.',
  },
  {
    name: 'KplugWritesFailing',
    severity: 'warning',
    expr: [
      `sum by (${by}, delegation, reason) (kplug_write_breaker_open{${operators}}) > 0`,
      `or sum by (${by}, delegation, reason) (increase(kplug_write_failures_total{${operators}}[30m])) > 5`,
    ].join('\n'),
    for: '10m',
    summary: 'The operator fails to write',
    description:
      'Statuses, finalizers or dependents of the delegation {{ $labels.delegation }} cannot be written: {{ $labels.reason }}.',
  },
  {
    name: 'KplugCertificateExpiring',
    severity: 'critical',
    expr: `min by (${by}, certificate) (kplug_certificate_expiration_timestamp_seconds{${operators}}) - time() < 7 * 24 * 3600`,
    for: '1h',
    summary: 'A certificate of the operator expires within a week',
    description:
      'The {{ $labels.certificate }} certificate of {{ $labels.job }} expires in {{ $value | humanizeDuration }}, and was not renewed.',
  },
  {
    name: 'KplugQueueNotDrained',
    severity: 'warning',
    expr: [`sum by (${by}, name) (min_over_time(workqueue_depth{${operators}}[15m])) > 0`, ofKplug].join('\n'),
    for: '15m',
    summary: 'The queue of a delegation is never empty',
    description: 'Resources of the delegation {{ $labels.name }} wait for their passes all the time; now {{ $value }}.',
  },
];
