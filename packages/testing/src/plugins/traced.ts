import { definePlugin, retry } from '@kplug/sdk';
import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { detectResources, envDetector } from '@opentelemetry/resources';
import { AlwaysOnSampler, ParentBasedSampler, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';

// A plugin process for tests that sends its own spans to the collector of OTEL_EXPORTER_OTLP_ENDPOINT, as an author sets it up.
const provider = new TracerProvider({
  resource: detectResources({ detectors: [envDetector] }),
  sampler: new ParentBasedSampler({ root: new AlwaysOnSampler() }),
  spanProcessors: [new SimpleSpanProcessor({ exporter: new OTLPTraceExporter() })],
});
trace.setGlobalTracerProvider(provider);
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
const tracer = trace.getTracer('tables');

await definePlugin<{ spec: { fails?: boolean } }, { TableStyle: object }>({
  name: 'Traced',
  version: '1.0.0',
  api: { name: 'Table', version: '1.0.0', extensionKinds: ['TableStyle'] },
  async reconcile({ base, extensions, log }) {
    return tracer.startActiveSpan('create table', async (span) => {
      await Promise.resolve();
      log.info('creating');
      span.end();
      if (base.spec.fails) throw retry('the disk is full', { reason: 'DiskFull', after: 60_000 });
      const { name } = base.metadata;
      return {
        status: { rows: 1 },
        extensions: extensions.all('TableStyle').map((extension) => ({ extension, status: { applied: true } })),
        dependents: [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { rows: '1' } }],
      };
    });
  },
  async finalize() {
    tracer.startSpan('drop table').end();
  },
}).serve();
