import {
  type Context,
  context,
  isSpanContextValid,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { version } from '../version.ts';
import { describeError } from './describe-error.ts';
import type { PassEnd } from './pass-record.ts';
import type { StepSubject, TraceContext } from './pass-steps.ts';
import { outcomeAttribute, type PassSubject, passAttributes, stepAttributes, stepName } from './span-attributes.ts';

/** Span of a pass: the root of its trace. */
export class SpanOfPass {
  readonly #span: Span;
  readonly #context: Context;

  private constructor(span: Span) {
    this.#span = span;
    this.#context = trace.setSpan(ROOT_CONTEXT, span);
  }

  /** Begins the trace of a pass. `undefined` unless the process has an OpenTelemetry SDK. */
  static begin(subject: PassSubject): SpanOfPass | undefined {
    // The pass may run in the context of another one, which queued it.
    const options = { root: true, attributes: passAttributes(subject) };
    const span = tracer().startSpan(`reconcile ${subject.base.kind}`, options, ROOT_CONTEXT);
    return isSpanContextValid(span.spanContext()) ? new SpanOfPass(span) : undefined;
  }

  /** Id of the trace if it is recorded: the sampler may have decided against it. */
  get recordedTraceId(): string | undefined {
    return this.#span.isRecording() ? this.#span.spanContext().traceId : undefined;
  }

  /** Begins the span of a step. */
  begin(subject: StepSubject): SpanOfStep {
    if (!this.#span.isRecording()) return new SpanOfStep(subject, this.#span, this.#context);
    const kind = subject.kind === 'call' ? SpanKind.CLIENT : SpanKind.INTERNAL;
    const span = tracer().startSpan(stepName(subject), { kind, attributes: stepAttributes(subject) }, this.#context);
    return new SpanOfStep(subject, span, trace.setSpan(this.#context, span));
  }

  /** Runs a function in the context of the span, which is that of its log lines and of spans that others begin in it. */
  run<T>(work: () => T): T {
    return context.with(this.#context, work);
  }

  end({ result, failed, reason, message, plugins, error }: PassEnd): void {
    if (!this.#span.isRecording()) return;
    this.#span.setAttributes({
      'kplug.pass.result': result,
      'kplug.pass.reason': reason,
      'kplug.plugins': [...plugins],
    });
    if (error !== undefined) setError(this.#span, error);
    else if (failed) setFailure(this.#span, reason, message);
    this.#span.end();
  }
}

/** Span of a step of a pass. */
export class SpanOfStep {
  readonly #subject: StepSubject;
  readonly #span: Span;
  readonly #context: Context;

  /** @param span that of the pass if the trace is not recorded, whose context goes on in calls nevertheless. */
  constructor(subject: StepSubject, span: Span, inner: Context) {
    this.#subject = subject;
    this.#span = span;
    this.#context = inner;
  }

  /** True if the trace is recorded. */
  get isRecorded(): boolean {
    return this.#span.isRecording();
  }

  /** Context for what is called in this step. */
  get context(): TraceContext {
    const { traceId, spanId, traceFlags, traceState } = this.#span.spanContext();
    const flags = traceFlags.toString(16).padStart(2, '0');
    return { traceparent: `00-${traceId}-${spanId}-${flags}`, tracestate: traceState?.serialize() ?? '' };
  }

  run<T>(work: () => T): T {
    return context.with(this.#context, work);
  }

  end(outcome: string, error: unknown): void {
    if (!this.#span.isRecording()) return;
    if (outcome !== '') this.#span.setAttribute(outcomeAttribute[this.#subject.kind], outcome);
    if (error !== undefined) setError(this.#span, error);
    this.#span.end();
  }
}

function tracer() {
  return trace.getTracer('@kplug/controller', version);
}

function setError(span: Span, error: unknown): void {
  const { code, message } = describeError(error);
  setFailure(span, code, message);
}

function setFailure(span: Span, type: string, message: string): void {
  span.setAttribute('error.type', type);
  span.setStatus({ code: SpanStatusCode.ERROR, message });
}
