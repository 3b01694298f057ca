"""Traces by OpenTelemetry, if the extra `otel` is installed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kplug._resource import Resource
from kplug.v1 import plugin_pb2, resource_pb2

try:
    from opentelemetry import trace
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
except ImportError:
    _installed = False
else:
    _installed = True

_Request = plugin_pb2.ReconcileRequest | plugin_pb2.FinalizeRequest
_Response = plugin_pb2.ReconcileResponse | plugin_pb2.FinalizeResponse

_OUTCOMES: dict[int, str] = {
    plugin_pb2.OUTCOME_SUCCESS: "success",
    plugin_pb2.OUTCOME_RETRY: "retry",
    plugin_pb2.OUTCOME_TERMINAL: "terminal",
}


class CallSpan:
    """Span of a call while it is answered; this one records nothing."""

    def is_for(self, base: Resource[Any]) -> None:
        """Notes the resource that the call is for."""

    def threw(self, error: Exception) -> None:
        """Notes an unexpected exception of the author's function."""

    def answered(self, response: _Response) -> None:
        """Notes the outcome."""


@contextmanager
def traced(method: str, request: _Request) -> Iterator[CallSpan]:
    """Starts a span of a call, which is a child of the operator's span of the call.

    It is the current span until the call is answered. Nothing is recorded without OpenTelemetry, or unless the
    author's program has configured it.
    """
    if not _installed:
        yield CallSpan()
        return
    context = request.context
    carrier = {"traceparent": context.traceparent, "tracestate": context.tracestate}
    # The current context, as of an instrumentation of gRPC, counts if the operator sends none.
    parent = TraceContextTextMapPropagator().extract({name: value for name, value in carrier.items() if value})
    name = f"kplug.v1.PluginService/{method}"
    tracer = trace.get_tracer("kplug")
    kind = trace.SpanKind.SERVER
    with tracer.start_as_current_span(name, parent, kind=kind, attributes=_attributes(name, request)) as span:
        yield _RecordedSpan(span)


class _RecordedSpan(CallSpan):
    def __init__(self, span: trace.Span) -> None:
        self._span = span

    def is_for(self, base: Resource[Any]) -> None:
        self._span.set_attributes(
            {
                "kplug.resource.kind": base.kind,
                "kplug.resource.namespace": base.metadata.namespace or "",
                "kplug.resource.name": base.metadata.name,
            }
        )

    def threw(self, error: Exception) -> None:
        self._span.record_exception(error)

    def answered(self, response: _Response) -> None:
        """Notes the outcome. A call that failed is an error of its span; one whose operation is in progress is none."""
        outcome = _OUTCOMES.get(response.outcome, "unspecified")
        self._span.set_attribute("kplug.outcome", outcome)
        if response.outcome == plugin_pb2.OUTCOME_SUCCESS or response.HasField("progress"):
            return
        errors = [one for one in response.messages if one.severity == resource_pb2.SEVERITY_ERROR]
        message = next(iter([*errors, *response.messages]), resource_pb2.Message())
        self._span.set_attribute("error.type", message.reason or outcome)
        self._span.set_status(trace.Status(trace.StatusCode.ERROR, message.text))


def _attributes(method: str, request: _Request) -> dict[str, str | int]:
    assignment = request.assignment
    return {
        "rpc.system.name": "grpc",
        "rpc.method": method,
        "kplug.delegation": assignment.delegation,
        "kplug.api.name": assignment.api,
        "kplug.api.version": assignment.api_version,
        "kplug.call.attempt": request.context.attempt or 1,
    }
