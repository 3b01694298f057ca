import { expect, test } from 'vitest';
import { Metrics } from './metrics.ts';

const accept = 'application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.1';
const traceId = '0af7651916cd43dd8448eb211c80319c';
const traceparent = `00-${traceId}-b7ad6b7169203331-01`;

function observed(): Metrics {
  const metrics = new Metrics();
  metrics.worked('tables', 1, 7, traceId);
  metrics.passed('tables', 'settled', false);
  metrics.calling('PostgreSQL');
  const call = { plugin: 'PostgreSQL', method: 'Reconcile', code: 'OK', failed: false, duration: 3 };
  metrics.called({ ...call, traceparent });
  return metrics;
}

test('a scraper that asks for OpenMetrics gets the traces of passes and calls', async () => {
  const { contentType, text } = await observed().expose(accept);
  expect(contentType).toMatch(/^application\/openmetrics-text/);
  expect(text).toMatch(
    /^controller_runtime_reconcile_time_seconds_bucket\{le="0\.01",controller="tables"\} 1 # \{trace_id="0af7651916cd43dd8448eb211c80319c"\} 0\.007 [0-9.]+$/m,
  );
  expect(text).toMatch(
    /^kplug_plugin_call_duration_seconds_bucket\{le="0\.005",.*\} 1 # \{trace_id="0af7651916cd43dd8448eb211c80319c",span_id="b7ad6b7169203331"\} 0\.003 [0-9.]+$/m,
  );
  expect(text).toMatch(/^# TYPE controller_runtime_reconcile counter$/m);
  expect(text).toMatch(/^controller_runtime_reconcile_total\{.*\} 1$/m);
  expect(text).toMatch(/\n# EOF\n$/);
});

test('any other scraper gets the text format, also after one that asked for OpenMetrics', async () => {
  const metrics = observed();
  const before = await metrics.expose(undefined);
  await metrics.expose(accept);
  const { contentType, text } = await metrics.expose('text/plain');
  expect(contentType).toMatch(/^text\/plain/);
  expect(text).not.toContain(traceId);
  expect(text).not.toContain('# EOF');
  const names = (exposed: string) => exposed.match(/^# TYPE .*$/gm);
  expect(names(text)).toEqual(names(before.text));
  expect(text).toMatch(/^# TYPE controller_runtime_reconcile_total counter$/m);
});

test('what has no recorded trace has no exemplar', async () => {
  const metrics = new Metrics();
  metrics.worked('tables', 1, 7);
  expect((await metrics.expose(accept)).text).not.toContain(' # {');
});
