"""A plugin for the tests that exports its spans over OTLP, as OTEL_* say."""

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from kplug import Call, FinalizeCall, Plugin, Retry

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
tracer = trace.get_tracer("traced-plugin")

plugin = Plugin("Traced", version="1.0.0", api="Table@1.0.0", extensions={"TableStyle": None})


@plugin.reconcile
def reconcile(call: Call) -> None:
    # In a thread, as the function is not asynchronous.
    with tracer.start_as_current_span("create table"):
        if call.base.spec.get("fails"):
            raise Retry("the disk is full", reason="DiskFull")


@plugin.finalize
def finalize(call: FinalizeCall) -> None:
    with tracer.start_as_current_span("drop table"):
        pass


plugin.run()
provider.shutdown()
