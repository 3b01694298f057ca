import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { expect, test } from 'vitest';
import { OtlpReceiver } from './otlp-receiver.ts';

test('spans are received as a process exported them', async () => {
  await using collector = await OtlpReceiver.start();
  const exporter = new OTLPTraceExporter({ url: `${collector.endpoint}/v1/traces` });
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'shop' }),
    spanProcessors: [new SimpleSpanProcessor({ exporter })],
  });
  const tracer = provider.getTracer('a-library');
  const parent = tracer.startSpan('outer', { kind: SpanKind.CLIENT });
  const attributes = { text: 'é', whole: 2 ** 40, negative: -3, part: 0.5, yes: true, no: false, list: ['a', 'b'] };
  const child = tracer.startSpan('inner', { attributes }, trace.setSpan(ROOT_CONTEXT, parent));
  child.setStatus({ code: SpanStatusCode.ERROR, message: 'failed' });
  child.end();
  parent.end();

  const outer = await collector.waitFor(({ name }) => name === 'outer');
  const inner = await collector.waitFor(({ name }) => name === 'inner');
  expect(outer).toMatchObject({ service: 'shop', scope: 'a-library', kind: 'client', parentSpanId: '' });
  expect(outer.status).toEqual({ code: 'unset', message: '' });
  expect(inner).toMatchObject({ parentSpanId: outer.spanId, traceId: parent.spanContext().traceId, attributes });
  expect(inner.status).toEqual({ code: 'error', message: 'failed' });
  expect(Math.abs(inner.startedAt - Date.now())).toBeLessThan(60_000);
  expect(collector.trace(outer.traceId).map(({ name }) => name)).toEqual(['outer', 'inner']);
  await provider.shutdown();
  expect(collector.faults).toEqual([]);
});

test('a request that is no export is a fault', async () => {
  await using collector = await OtlpReceiver.start();
  const response = await fetch(`${collector.endpoint}/v1/traces`, { method: 'POST', body: '{}' });
  expect(response.status).toBe(404);
  const headers = { 'content-type': 'application/x-protobuf' };
  await fetch(`${collector.endpoint}/v1/traces`, { method: 'POST', headers, body: Buffer.from([7]) });
  expect(collector.faults).toHaveLength(2);
});
