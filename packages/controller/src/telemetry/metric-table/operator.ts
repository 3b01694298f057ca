import { durationBuckets, type MetricDefinition, reasonLabel } from './definition.ts';

const certificateLabel = '`ca`, `server` or `caller`';

/** Metrics of the operator itself: its version, ports, certificates and requests to the API server. */
export const operatorMetrics = {
  build: {
    name: 'kplug_build_info',
    type: 'gauge',
    unit: 'boolean',
    help: 'Version of Kplug; always 1',
    labels: { version: 'version of Kplug' },
  },
  leadership: {
    name: 'leader_election_master_status',
    type: 'gauge',
    unit: 'boolean',
    help: 'Leadership of this controller: 1 or 0',
    labels: { name: 'always `kplug`' },
  },
  insecure: {
    name: 'kplug_insecure',
    type: 'gauge',
    unit: 'boolean',
    help: 'Settings that make plugins insecure: 1 if set',
    labels: { setting: '`heartbeats`: --insecure; `first-kplug`: --allow-insecure-plugins' },
  },
  authentications: {
    name: 'kplug_authentications_total',
    type: 'counter',
    unit: 'count',
    help: 'Tokens and certificates that were checked, or refused without a check; those of known plugins are not counted again',
    labels: { method: 'kind of the proof', result: '`accepted`, `refused` or `unavailable`' },
  },
  refusedConnections: {
    name: 'kplug_connections_refused_total',
    type: 'counter',
    unit: 'count',
    help: 'Connections that a port refused, or closed because of a limit, by port and reason',
    labels: { port: 'name of the port', reason: reasonLabel },
  },
  certificateExpiry: {
    name: 'kplug_certificate_expiration_timestamp_seconds',
    type: 'gauge',
    unit: 'timestamp',
    help: 'Expiry of a certificate of the operator, in seconds since the epoch',
    labels: { certificate: certificateLabel },
  },
  certificateRenewals: {
    name: 'kplug_certificate_renewals_total',
    type: 'counter',
    unit: 'count',
    help: 'Certificates of the operator that were made or loaded',
    labels: { certificate: certificateLabel },
  },
  certificateFailures: {
    name: 'kplug_certificate_failures_total',
    type: 'counter',
    unit: 'count',
    help: 'Failures to read, write or publish certificates of the operator',
    labels: { operation: '`read`, `write` or `publish`' },
  },
  requests: {
    name: 'rest_client_requests_total',
    type: 'counter',
    unit: 'count',
    help: 'Requests to the API server',
    labels: { code: 'HTTP status, or why there is none', method: 'verb of the request' },
  },
  requestTime: {
    name: 'rest_client_request_duration_seconds',
    type: 'histogram',
    unit: 'seconds',
    help: 'Time until the response of the API server began',
    labels: { verb: 'verb of the request', resource: 'kind that it is for' },
    buckets: durationBuckets,
  },
} as const satisfies Record<string, MetricDefinition>;
