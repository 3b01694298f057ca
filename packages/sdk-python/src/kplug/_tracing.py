"""Traces by OpenTelemetry, if the extra `otel` is installed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kplug.v1 import plugin_pb2

try:
    from opentelemetry import trace
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
except ImportError:

    @contextmanager
    def traced(method: str, context: plugin_pb2.CallContext, attributes: dict[str, str]) -> Iterator[None]:  # noqa: ARG001
        """Does nothing without OpenTelemetry."""
        yield

else:
    _propagator = TraceContextTextMapPropagator()

    @contextmanager
    def traced(method: str, context: plugin_pb2.CallContext, attributes: dict[str, str]) -> Iterator[None]:
        """Starts a span of the call, as a child of the span of the controller's pass."""
        carrier = {"traceparent": context.traceparent, "tracestate": context.tracestate}
        parent = _propagator.extract({name: value for name, value in carrier.items() if value})
        tracer = trace.get_tracer("kplug")
        with tracer.start_as_current_span(
            f"kplug.v1.PluginService/{method}", parent, kind=trace.SpanKind.SERVER, attributes=attributes
        ):
            yield
