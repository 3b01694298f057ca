import { context, type DiagLogger, DiagLogLevel, diag, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { Logger } from 'pino';
import { version } from '../version.ts';
import { ReportedExporter } from './reported-exporter.ts';
import type { Tracing } from './tracing.ts';
import type { SamplerChoice, TracingSettings } from './tracing-settings.ts';

/** Registers the SDK of OpenTelemetry for this process, with an exporter over OTLP/HTTP. */
export function openExporting(settings: TracingSettings, logger: Logger): Tracing | undefined {
  const { serviceName, sampler, batch, endpoint, exportTimeout } = settings;
  // What the SDK itself logs about failing exports would be a line for each batch.
  diag.setLogger(debugLogger(logger), { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  const otlp = new OTLPTraceExporter({ timeoutMillis: exportTimeout });
  const exporter = new ReportedExporter(otlp, { endpoint, logger });
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': serviceName, 'service.version': version }).merge(
      detectResources({ detectors: [envDetector] }),
    ),
    sampler: samplerOf(sampler),
    spanProcessors: [new BatchSpanProcessor({ exporter, ...batch })],
  });
  if (!trace.setGlobalTracerProvider(provider)) {
    logger.warn('OTEL_*: this process has an OpenTelemetry SDK already, which is used');
    return undefined;
  }
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  logger.info({ endpoint }, `sending traces to ${endpoint} as ${serviceName}`);
  return {
    stop: async () => {
      // Failures are reported by the exporter.
      await provider.shutdown().catch((error: unknown) => logger.debug({ err: error }, 'the last traces are lost'));
      trace.disable();
      context.disable();
      diag.disable();
    },
  };
}

function samplerOf({ decision, ratio, isParentBased }: SamplerChoice): Sampler {
  const root = {
    always_on: () => new AlwaysOnSampler(),
    always_off: () => new AlwaysOffSampler(),
    traceidratio: () => new TraceIdRatioBasedSampler(ratio),
  }[decision]();
  return isParentBased ? new ParentBasedSampler({ root }) : root;
}

function debugLogger(logger: Logger): DiagLogger {
  const log = (message: string, ...details: unknown[]) => logger.debug({ details }, `OpenTelemetry: ${message}`);
  return { error: log, warn: log, info: log, debug: log, verbose: log };
}
