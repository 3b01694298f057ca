import { delegations, operators, type Query, type Row, rate } from '../panel.ts';

/** Writes that fail. */
export const writes: Row = {
  title: 'Writes',
  panels: [
    {
      title: 'Failed writes',
      description: 'Passes that could not write, by the reason that the API server or the file system gave.',
      type: 'timeseries',
      unit: 'ops',
      width: 8,
      queries: [
        {
          expr: rate('kplug_write_failures_total', delegations, 'delegation, reason'),
          legend: '{{delegation}} {{reason}}',
        },
      ],
    },
    {
      title: 'Held resources',
      description: 'Resources that wait until writes succeed again.',
      type: 'timeseries',
      unit: 'short',
      width: 8,
      queries: [
        {
          expr: `sum by (delegation, reason) (kplug_held_resources{${delegations}})`,
          legend: '{{delegation}} {{reason}}',
        },
      ],
    },
    {
      title: 'Causes of failed writes',
      description: 'Causes that several resources share, so that writes are tried with one of them only.',
      type: 'timeseries',
      unit: 'short',
      width: 8,
      queries: [
        {
          expr: `sum by (delegation, reason) (kplug_write_breaker_open{${delegations}})`,
          legend: '{{delegation}} {{reason}}',
        },
      ],
    },
  ],
};

/** The operator itself. */
export const operator: Row = {
  title: 'Operator',
  panels: [
    {
      title: 'Leadership',
      description: 'The replica that leads has the value 1.',
      type: 'timeseries',
      unit: 'short',
      width: 8,
      queries: [{ expr: `leader_election_master_status{${operators}, name="kplug"}`, legend: '{{instance}}' }],
    },
    {
      title: 'Requests to the API server',
      description: 'Requests per second by HTTP status.',
      type: 'timeseries',
      unit: 'reqps',
      width: 8,
      isStacked: true,
      queries: [{ expr: rate('rest_client_requests_total', operators, 'method, code'), legend: '{{method}} {{code}}' }],
    },
    {
      title: 'Latency of the API server',
      description: '99th percentile of the time until an answer begins.',
      type: 'timeseries',
      unit: 's',
      width: 8,
      queries: [latencyOf('verb')],
    },
    {
      title: 'Expiry of certificates',
      description:
        'Time that each certificate of the operator is valid for. The operator renews its own after two thirds of their lifetime.',
      type: 'bargauge',
      unit: 's',
      width: 8,
      thresholds: [
        { from: 0, color: 'red' },
        { from: 7 * 24 * 3600, color: 'green' },
      ],
      queries: [
        {
          expr: `min by (certificate) (kplug_certificate_expiration_timestamp_seconds{${operators}}) - time()`,
          legend: '{{certificate}}',
          isInstant: true,
        },
      ],
    },
    {
      title: 'Failures of certificates',
      description: 'Failures to read, write or publish certificates.',
      type: 'timeseries',
      unit: 'ops',
      width: 8,
      queries: [{ expr: rate('kplug_certificate_failures_total', operators, 'operation'), legend: '{{operation}}' }],
    },
    {
      title: 'Refused connections',
      description: 'Connections that a port refused, or closed because of a limit.',
      type: 'timeseries',
      unit: 'ops',
      width: 8,
      queries: [
        { expr: rate('kplug_connections_refused_total', operators, 'port, reason'), legend: '{{port}} {{reason}}' },
      ],
    },
    {
      title: 'CPU',
      description: 'Seconds of CPU time per second. The operator works in one thread: near 1, it is the bottleneck.',
      type: 'timeseries',
      unit: 'short',
      width: 8,
      queries: [{ expr: rate('process_cpu_seconds_total', operators, 'instance'), legend: '{{instance}}' }],
    },
    {
      title: 'Memory',
      description: 'Resident memory. Compare it with the limit of the container.',
      type: 'timeseries',
      unit: 'bytes',
      width: 8,
      queries: [{ expr: `process_resident_memory_bytes{${operators}}`, legend: '{{instance}}' }],
    },
    {
      title: 'Lag of the event loop',
      description:
        '99th percentile of the time for which the operator was busy. From a second on, heartbeats and probes come late.',
      type: 'timeseries',
      unit: 's',
      width: 8,
      queries: [{ expr: `nodejs_eventloop_lag_p99_seconds{${operators}}`, legend: '{{instance}}' }],
    },
  ],
};

function latencyOf(label: string): Query {
  const buckets = rate('rest_client_request_duration_seconds_bucket', operators, `le, ${label}`);
  return { expr: `histogram_quantile(0.99, ${buckets})`, legend: `{{${label}}} p99` };
}
