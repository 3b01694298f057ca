import { trace } from '@opentelemetry/api';

/**
 * Fields of a log line that refer to the trace which is being recorded, by the names that OpenTelemetry has for them; none without one. For
 * a logger of your own: `pino({ mixin: traceFields })`.
 */
export function traceFields(): { trace_id?: string; span_id?: string } {
  const span = trace.getActiveSpan();
  // What goes on after a pass, in its context, doesn't belong to its trace.
  if (!span?.isRecording()) return {};
  const { traceId, spanId } = span.spanContext();
  return { trace_id: traceId, span_id: spanId };
}
