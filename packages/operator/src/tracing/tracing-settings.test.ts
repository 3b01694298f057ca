import { describe, expect, test } from 'vitest';
import { readTracing } from './tracing-settings.ts';

const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };

describe('traces are exported', () => {
  test.each([
    ['for an endpoint of OTLP', endpoint],
    ['for an endpoint of OTLP for traces', { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://collector:4318/v1/traces' }],
    ['for the exporter otlp', { OTEL_TRACES_EXPORTER: 'otlp' }],
    ['for a list with the exporter otlp', { OTEL_TRACES_EXPORTER: 'console, otlp' }],
  ])('%s', (_, environment) => {
    expect(readTracing(environment).settings).toMatchObject({ serviceName: 'kplug-operator' });
  });

  test.each([
    ['without variables', {}],
    ['for an empty endpoint', { OTEL_EXPORTER_OTLP_ENDPOINT: ' ' }],
    ['when the SDK is disabled', { ...endpoint, OTEL_SDK_DISABLED: 'TRUE' }],
    ['for the exporter none', { ...endpoint, OTEL_TRACES_EXPORTER: 'none' }],
    ['for a name alone', { OTEL_SERVICE_NAME: 'tables' }],
  ])('not %s', (_, environment) => {
    expect(readTracing(environment)).toEqual({ remarks: [] });
  });
});

test('the default is to record all traces, under the name kplug-operator', () => {
  expect(readTracing({ OTEL_TRACES_EXPORTER: 'otlp' })).toEqual({
    settings: {
      serviceName: 'kplug-operator',
      sampler: { decision: 'always_on', ratio: 1, isParentBased: true },
      batch: {},
      exportTimeout: 5_000,
      endpoint: 'http://localhost:4318',
    },
    remarks: [],
  });
});

test('the variables are read', () => {
  const { settings, remarks } = readTracing({
    ...endpoint,
    OTEL_SERVICE_NAME: 'tables',
    OTEL_TRACES_SAMPLER: 'traceidratio',
    OTEL_TRACES_SAMPLER_ARG: '0.25',
    OTEL_EXPORTER_OTLP_TIMEOUT: '2000',
    OTEL_BSP_SCHEDULE_DELAY: '100',
    OTEL_BSP_MAX_QUEUE_SIZE: '10',
  });
  expect(settings).toEqual({
    serviceName: 'tables',
    sampler: { decision: 'traceidratio', ratio: 0.25, isParentBased: false },
    batch: { scheduledDelayMillis: 100, maxQueueSize: 10 },
    exportTimeout: 2_000,
    endpoint: 'http://collector:4318',
  });
  expect(remarks).toEqual([]);
});

test('the log has no credentials of the endpoint', () => {
  const { settings } = readTracing({ OTEL_EXPORTER_OTLP_ENDPOINT: 'https://user:secret@collector:4318/x?key=secret' });
  expect(settings?.endpoint).toBe('https://collector:4318');
});

test.each([
  [{ OTEL_TRACES_SAMPLER: 'jaeger_remote' }, 'OTEL_TRACES_SAMPLER: jaeger_remote'],
  [{ OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '2' }, 'OTEL_TRACES_SAMPLER_ARG: 2'],
  [{ OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, 'OTEL_EXPORTER_OTLP_PROTOCOL: grpc'],
  [{ OTEL_BSP_MAX_QUEUE_SIZE: 'many' }, 'OTEL_BSP_MAX_QUEUE_SIZE: many'],
  [{ OTEL_TRACES_EXPORTER: 'otlp,zipkin' }, 'OTEL_TRACES_EXPORTER: zipkin'],
])('a value that is not supported is remarked, and all traces are recorded: %o', (environment, remark) => {
  const { settings, remarks } = readTracing({ ...endpoint, ...environment });
  expect(settings?.sampler.ratio).toBe(1);
  expect(remarks).toEqual([expect.stringContaining(remark)]);
});
