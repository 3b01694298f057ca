import { type FinalizeRequest, Outcome, type ReconcileRequest, Severity } from '@kplug/protocol';
import {
  type Context,
  context,
  createTraceState,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import type { FinalizeAnswer } from './finalize-answer.ts';
import type { Received, ResourceShape } from './plugin.ts';
import { version } from './version.ts';

/** Header `traceparent` of W3C Trace Context. Later versions may have more at the end. */
const traceparentPattern = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

const outcomes = { [Outcome.SUCCESS]: 'success', [Outcome.RETRY]: 'retry', [Outcome.TERMINAL]: 'terminal' };

/** Span of a call, while its function runs. */
export interface CallSpan {
  /** Notes the resource that the call is for. */
  isFor(base: Received<ResourceShape>): void;
  /** Notes an unexpected error of the author's function. */
  threw(error: unknown): void;
}

/**
 * Answers a call in a span, which is a child of the operator's span of the call. Spans that the author's function begins are its children.
 * Nothing is recorded unless the author's program has registered an SDK of OpenTelemetry.
 */
export function traced<A extends FinalizeAnswer>(
  method: 'Reconcile' | 'Finalize',
  request: ReconcileRequest | FinalizeRequest,
  answer: (span: CallSpan) => Promise<A>,
): Promise<A> {
  const parent = contextOf(request);
  const options = { kind: SpanKind.SERVER, attributes: attributesOf(method, request) };
  const span = trace.getTracer('@kplug/sdk', version).startSpan(`kplug.v1.PluginService/${method}`, options, parent);
  return context.with(trace.setSpan(parent, span), async () => {
    try {
      const answered = await answer(callSpan(span));
      if (span.isRecording()) describe(span, answered);
      return answered;
    } finally {
      span.end();
    }
  });
}

/** Context that the span of a call begins in: that of the operator's call, or of an instrumentation of gRPC if it sends none. */
function contextOf({ context: call }: ReconcileRequest | FinalizeRequest): Context {
  const active = context.active();
  const [, traceId, spanId, flags] = traceparentPattern.exec(call?.traceparent ?? '') ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return active;
  const remote = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
  const traceState = call?.tracestate ? createTraceState(call.tracestate) : undefined;
  return trace.setSpanContext(active, { ...remote, ...(traceState && { traceState }) });
}

function attributesOf(method: string, { assignment, context: call }: ReconcileRequest | FinalizeRequest) {
  return {
    'rpc.system.name': 'grpc',
    'rpc.method': `kplug.v1.PluginService/${method}`,
    'kplug.delegation': assignment?.delegation ?? '',
    'kplug.api.name': assignment?.api ?? '',
    'kplug.api.version': assignment?.apiVersion ?? '',
    'kplug.call.attempt': call?.attempt ?? 1,
  };
}

function callSpan(span: Span): CallSpan {
  return {
    isFor: ({ kind, metadata: { namespace = '', name } }) => {
      if (!span.isRecording()) return;
      const resource = { 'kplug.resource.kind': kind, 'kplug.resource.name': name };
      span.setAttributes({ ...resource, 'kplug.resource.namespace': namespace });
    },
    threw: (error) => span.recordException(error instanceof Error ? error : String(error)),
  };
}

/** Notes the outcome. A call that failed is an error of its span; one whose operation is in progress is none. */
function describe(span: Span, { outcome = Outcome.UNSPECIFIED, messages = [], ...answer }: FinalizeAnswer): void {
  const name = outcomes[outcome as keyof typeof outcomes] ?? 'unspecified';
  span.setAttribute('kplug.outcome', name);
  if (outcome === Outcome.SUCCESS || answer.progress) return;
  const message = messages.find(({ severity }) => severity === Severity.ERROR) ?? messages[0];
  span.setAttribute('error.type', message?.reason || name);
  span.setStatus({ code: SpanStatusCode.ERROR, message: message?.text ?? '' });
}

/** Fields of a log line that refer to the span which is being recorded; none without one. */
export function traceFields(): { trace_id?: string; span_id?: string } {
  const span = trace.getActiveSpan();
  if (!span?.isRecording()) return {};
  const { traceId, spanId } = span.spanContext();
  return { trace_id: traceId, span_id: spanId };
}
