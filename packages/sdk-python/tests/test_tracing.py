"""Trace context of the controller in the author's function."""

import pytest
from conftest import Serve, request
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from kplug import Call, Plugin, Retry

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture(scope="module")
def exporter() -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return exporter


@pytest.fixture(autouse=True)
def spans(exporter: InMemorySpanExporter) -> InMemorySpanExporter:
    exporter.clear()
    return exporter


@pytest.mark.parametrize("blocking", [True, False])
async def test_a_call_is_a_span_of_the_pass(serve: Serve, spans: InMemorySpanExporter, blocking: bool) -> None:
    plugin = Plugin("Plain", version="1.0.0", api="Table@1.0.0")
    seen: list[int] = []

    def reconcile(call: Call) -> None:
        seen.append(trace.get_current_span().get_span_context().trace_id)
        raise Retry("not yet")

    async def reconcile_async(call: Call) -> None:
        reconcile(call)

    plugin.reconcile(reconcile if blocking else reconcile_async)
    _, client, _ = await serve(plugin)
    given = request()
    given.context.traceparent = f"00-{TRACE}-00f067aa0ba902b7-01"
    await client.Reconcile(given)
    (span,) = spans.get_finished_spans()
    assert seen == [int(TRACE, 16)]
    assert span.name == "kplug.v1.PluginService/Reconcile"
    assert span.parent is not None
    assert span.parent.span_id == 0x00F067AA0BA902B7
    assert span.attributes is not None
    assert span.attributes["kplug.resource.name"] == "users"
    assert span.attributes["kplug.outcome"] == "retry"
    assert span.attributes["error.type"] == "Failed"
    assert span.status.status_code is trace.StatusCode.ERROR
    assert span.status.description == "not yet"


async def test_a_success_and_an_exception_are_told_apart(serve: Serve, spans: InMemorySpanExporter) -> None:
    plugin = Plugin("Plain", version="1.0.0", api="Table@1.0.0")
    failing: list[bool] = []

    @plugin.reconcile
    def reconcile(call: Call) -> None:
        if failing:
            raise ValueError("a bug")

    _, client, _ = await serve(plugin)
    await client.Reconcile(request())
    failing.append(True)
    await client.Reconcile(request())
    success, failure = spans.get_finished_spans()
    assert success.parent is None
    assert success.attributes is not None
    assert success.attributes["kplug.outcome"] == "success"
    assert success.status.status_code is trace.StatusCode.UNSET
    assert failure.status.status_code is trace.StatusCode.ERROR
    assert [event.name for event in failure.events] == ["exception"]
