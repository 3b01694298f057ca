/** A series of values, one a minute, in promtool's notation: `0x60` is 61 times 0, `0+1x60` rises by 1. */
type Series = Readonly<Record<string, string>>;

/** Series with which an alert fires after some time, and others with which it doesn't. */
export interface AlertCase {
  alert: string;
  fires: Series;
  /** Labels of the alert that fires, besides its severity. */
  labels: Readonly<Record<string, string>>;
  /** Description of the alert that fires. */
  description: string;
  /** Time at which the alert fires. Default: 1h. */
  at?: string;
  /** Time before which it doesn't fire yet. */
  notBefore: string;
  silent: readonly Series[];
}

const operator = 'namespace="obs", job="kplug-admin", instance="a"';
const other = 'namespace="obs", job="kplug-admin", instance="b"';
const target = { namespace: 'obs', job: 'kplug-admin' };
const build = { [`kplug_build_info{${operator}, version="1.0.0"}`]: '1x120' };

/** A case for each alert. */
export const alertCases: readonly AlertCase[] = [
  {
    alert: 'KplugOperatorAbsent',
    fires: { [`kplug_build_info{${operator}}`]: '1x30 stale' },
    labels: {},
    description: 'No replica of the operator can be scraped. Resources are not reconciled if none runs.',
    notBefore: '35m',
    silent: [build],
  },
  {
    alert: 'KplugNoLeader',
    fires: {
      [`leader_election_master_status{${operator}, name="kplug"}`]: '1x10 0x60',
      [`leader_election_master_status{${other}, name="kplug"}`]: '0x70',
    },
    labels: target,
    description: 'No replica of kplug-admin leads, so that nothing is reconciled and plugins cannot register.',
    notBefore: '14m',
    silent: [
      {
        [`leader_election_master_status{${operator}, name="kplug"}`]: '0x70',
        [`leader_election_master_status{${other}, name="kplug"}`]: '1x70',
      },
      { [`leader_election_master_status{${operator}, name="another-controller"}`]: '0x70' },
    ],
  },
  {
    alert: 'KplugResourcesNotReady',
    fires: {
      [`kplug_resources{${operator}, delegation="tables", state="ready"}`]: '80x90',
      [`kplug_resources{${operator}, delegation="tables", state="failing"}`]: '0x20 15x70',
      [`kplug_resources{${operator}, delegation="tables", state="waiting"}`]: '0x20 5x70',
    },
    labels: { ...target, delegation: 'tables' },
    description: '20% of the resources of the delegation tables has not been ready for 30 minutes.',
    notBefore: '50m',
    silent: [
      {
        [`kplug_resources{${operator}, delegation="tables", state="ready"}`]: '80x90',
        [`kplug_resources{${operator}, delegation="tables", state="failing"}`]: '2x90',
        [`kplug_resources{${operator}, delegation="tables", state="paused"}`]: '40x90',
        [`kplug_resources{${operator}, delegation="tables", state="deleting"}`]: '40x90',
      },
      // None at all.
      {
        [`kplug_resources{${operator}, delegation="tables", state="ready"}`]: '0x90',
        [`kplug_resources{${operator}, delegation="tables", state="failing"}`]: '0x90',
      },
    ],
  },
  {
    alert: 'KplugKindUnreadable',
    fires: { [`kplug_kind_unreadable{${operator}, delegation="tables", reason="Forbidden"}`]: '1x90' },
    labels: { ...target, delegation: 'tables', reason: 'Forbidden' },
    description:
      'The operator cannot read the resources of the delegation tables, and knows their former states only: Forbidden.',
    notBefore: '4m',
    silent: [{ [`kplug_kind_unreadable{${operator}, delegation="tables", reason="Unreachable"}`]: '1x3 stale' }],
  },
  {
    alert: 'KplugPassesFailing',
    fires: {
      [`controller_runtime_reconcile_total{${operator}, controller="tables", result="retry"}`]: '0+9x90',
      [`controller_runtime_reconcile_total{${operator}, controller="tables", result="settled"}`]: '0+1x90',
      [`kplug_pass_failures_total{${operator}, delegation="tables", reason="QuotaExceeded"}`]: '0+5x90',
      [`kplug_pass_failures_total{${operator}, delegation="tables", reason="PluginFailed"}`]: '0+4x90',
    },
    labels: { ...target, delegation: 'tables' },
    description: '90% of the passes of the delegation tables fail.',
    notBefore: '15m',
    silent: [
      {
        [`controller_runtime_reconcile_total{${operator}, controller="tables", result="settled"}`]: '0+9x90',
        [`kplug_pass_failures_total{${operator}, delegation="tables", reason="QuotaExceeded"}`]: '0+1x90',
      },
    ],
  },
  {
    alert: 'KplugPluginFailing',
    fires: {
      [`kplug_plugin_call_duration_seconds_count{${operator}, plugin="SQLite", method="Reconcile", code="OK"}`]:
        '0+5x90',
      [`kplug_plugin_call_duration_seconds_count{${operator}, plugin="SQLite", method="Reconcile", code="UNAVAILABLE"}`]:
        '0+5x90',
    },
    labels: { ...target, plugin: 'SQLite' },
    description: '50% of the calls of the plugin SQLite end with an error.',
    notBefore: '15m',
    silent: [
      {
        [`kplug_plugin_call_duration_seconds_count{${operator}, plugin="SQLite", method="Reconcile", code="OK"}`]:
          '0+9x90',
        [`kplug_plugin_call_duration_seconds_count{${operator}, plugin="SQLite", method="Reconcile", code="INTERNAL"}`]:
          '0+1x90',
      },
    ],
  },
  {
    alert: 'KplugPluginSuspended',
    fires: {
      [`kplug_plugin_suspended{${operator}, delegation="tables", plugin="SQLite", method="Reconcile"}`]: '1x90',
    },
    labels: { ...target, delegation: 'tables', plugin: 'SQLite', method: 'Reconcile' },
    description: 'The plugin SQLite gets no calls of Reconcile for the delegation tables, but for probes.',
    notBefore: '4m',
    silent: [
      {
        [`kplug_plugin_suspended{${operator}, delegation="tables", plugin="SQLite", method="Reconcile"}`]: '1x4 stale',
      },
    ],
  },
  {
    alert: 'KplugInstancesSuspect',
    fires: { [`kplug_plugin_instances{${operator}, state="suspect"}`]: '2x90' },
    labels: target,
    description: '2 instances of plugins send heartbeats but do not answer, or lost their connection.',
    notBefore: '9m',
    silent: [
      { [`kplug_plugin_instances{${operator}, state="live"}`]: '2x90' },
      { [`kplug_plugin_instances{${operator}, state="suspect"}`]: '1x5 0x5 1x5 0x90' },
    ],
  },
  {
    alert: 'KplugRegistrationsRefused',
    fires: { [`kplug_registrations_refused_total{${operator}, reason="UNAUTHENTICATED"}`]: '0+3x90' },
    labels: { ...target, reason: 'UNAUTHENTICATED' },
    description: 'Plugins try to register again and again, and are refused with the reason UNAUTHENTICATED.',
    notBefore: '15m',
    silent: [{ [`kplug_registrations_refused_total{${operator}, reason="UNAUTHENTICATED"}`]: '0 1 2 3x90' }],
  },
  {
    alert: 'KplugWritesFailing',
    fires: { [`kplug_write_breaker_open{${operator}, delegation="tables", reason="Forbidden"}`]: '1x90' },
    labels: { ...target, delegation: 'tables', reason: 'Forbidden' },
    description: 'Statuses, finalizers or dependents of the delegation tables cannot be written: Forbidden.',
    notBefore: '9m',
    silent: [{ [`kplug_write_failures_total{${operator}, delegation="tables", reason="Conflict"}`]: '0+1x3 3x90' }],
  },
  {
    alert: 'KplugWritesFailing',
    fires: { [`kplug_write_failures_total{${operator}, delegation="tables", reason="Denied"}`]: '0+1x90' },
    labels: { ...target, delegation: 'tables', reason: 'Denied' },
    description: 'Statuses, finalizers or dependents of the delegation tables cannot be written: Denied.',
    notBefore: '15m',
    silent: [],
  },
  {
    alert: 'KplugCertificateExpiring',
    // The time of the test begins at 0.
    fires: { [`kplug_certificate_expiration_timestamp_seconds{${operator}, certificate="server"}`]: '360000x120' },
    labels: { ...target, certificate: 'server' },
    description: 'The server certificate of kplug-admin expires in 4d 3h 0m 0s, and was not renewed.',
    notBefore: '59m',
    silent: [{ [`kplug_certificate_expiration_timestamp_seconds{${operator}, certificate="server"}`]: '864000x120' }],
  },
  {
    alert: 'KplugQueueNotDrained',
    fires: { ...build, [`workqueue_depth{${operator}, name="tables"}`]: '0x10 7x90' },
    labels: { ...target, name: 'tables' },
    description: 'Resources of the delegation tables wait for their passes all the time; now 7.',
    notBefore: '35m',
    silent: [
      { ...build, [`workqueue_depth{${operator}, name="tables"}`]: '7x10 0 7x10 0 7x10 0 7x10 0 7x10 0 7x10 0 7x10' },
      { ...build, 'workqueue_depth{namespace="obs", job="other", name="pods"}': '7x90' },
    ],
  },
];
