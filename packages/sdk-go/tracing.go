package kplug

import (
	"context"
	"log/slog"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	kplugv1 "kplug.dev/sdk-go/gen/kplug/v1"
)

// traceContext reads and writes W3C Trace Context.
var traceContext propagation.TraceContext

// outcomeNames are the outcomes as they are in spans.
var outcomeNames = map[kplugv1.Outcome]string{
	kplugv1.Outcome_OUTCOME_SUCCESS:  "success",
	kplugv1.Outcome_OUTCOME_RETRY:    "retry",
	kplugv1.Outcome_OUTCOME_TERMINAL: "terminal",
}

// tracedAnswer is what a span tells of an answer.
type tracedAnswer interface {
	GetOutcome() kplugv1.Outcome
	GetMessages() []*kplugv1.Message
	GetProgress() *kplugv1.Progress
}

// traced answers a call in a span, which is a child of the operator's span of the call. Spans that the author's function begins are its
// children. Nothing is recorded unless the author's program has registered an SDK of OpenTelemetry.
func traced[Answer tracedAnswer](ctx context.Context, method string, r request, answer func(context.Context) Answer) Answer {
	name := "kplug.v1.PluginService/" + method
	ctx, span := otel.Tracer("kplug.dev/sdk-go", trace.WithInstrumentationVersion(version)).Start(
		contextOf(ctx, r), name, trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(attributesOf(name, r)...))
	defer span.End()
	answered := answer(ctx)
	if span.IsRecording() {
		describeSpan(span, r, answered)
	}
	return answered
}

// contextOf returns the context that the span of a call begins in: that of the operator's call, or of an instrumentation of gRPC if the
// operator sends none.
func contextOf(ctx context.Context, r request) context.Context {
	call := r.GetContext()
	carrier := propagation.MapCarrier{"traceparent": call.GetTraceparent(), "tracestate": call.GetTracestate()}
	return traceContext.Extract(ctx, carrier)
}

func attributesOf(method string, r request) []attribute.KeyValue {
	assignment := r.GetAssignment()
	return []attribute.KeyValue{
		attribute.String("rpc.system.name", "grpc"),
		attribute.String("rpc.method", method),
		attribute.String("kplug.delegation", assignment.GetDelegation()),
		attribute.String("kplug.api.name", assignment.GetApi()),
		attribute.String("kplug.api.version", assignment.GetApiVersion()),
		attribute.Int("kplug.call.attempt", max(int(r.GetContext().GetAttempt()), 1)),
	}
}

// describeSpan notes the resource and the outcome. A call that failed is an error of its span; one whose operation is in progress is none.
func describeSpan(span trace.Span, r request, answer tracedAnswer) {
	if base, err := readResource("", r.GetBase()); err == nil {
		span.SetAttributes(
			attribute.String("kplug.resource.kind", base.Kind),
			attribute.String("kplug.resource.namespace", base.Metadata.Namespace),
			attribute.String("kplug.resource.name", base.Metadata.Name),
		)
	}
	outcome := outcomeNames[answer.GetOutcome()]
	span.SetAttributes(attribute.String("kplug.outcome", outcome))
	if answer.GetOutcome() == kplugv1.Outcome_OUTCOME_SUCCESS || answer.GetProgress() != nil {
		return
	}
	reason, message := mainMessage(answer.GetMessages())
	if reason == "" {
		reason = outcome
	}
	span.SetAttributes(attribute.String("error.type", reason))
	span.SetStatus(codes.Error, message)
}

// mainMessage returns the reason and the text of the first error, or else of the first message; both empty if there is none.
func mainMessage(messages []*kplugv1.Message) (reason, text string) {
	for _, one := range messages {
		if one.GetSeverity() == kplugv1.Severity_SEVERITY_ERROR {
			return one.GetReason(), one.GetText()
		}
	}
	if len(messages) == 0 {
		return "", ""
	}
	return messages[0].GetReason(), messages[0].GetText()
}

// tracedLog returns a logger whose lines refer to the span that is being recorded; the logger itself without one.
func tracedLog(ctx context.Context, log *slog.Logger) *slog.Logger {
	span := trace.SpanFromContext(ctx)
	if !span.IsRecording() {
		return log
	}
	spanContext := span.SpanContext()
	return log.With("trace_id", spanContext.TraceID().String(), "span_id", spanContext.SpanID().String())
}
