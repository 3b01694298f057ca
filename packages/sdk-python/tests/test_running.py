"""GetInfo, health, reflection, start and stop."""

import asyncio
import platform
import re
import threading
from typing import Any

import pytest
from conftest import Serve, Until, request
from grpc import StatusCode, aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2
from registry import FakeRegistry

from kplug import Call, CannotServe, InvalidDefinition, Plugin
from kplug.v1 import plugin_pb2


@pytest.fixture
def plugin() -> Plugin[Any]:
    plugin = Plugin("Plain", version="1.2.3", api="Table@1.0.0")
    plugin.reconcile(lambda _: None)
    return plugin


async def test_it_identifies_itself(plugin: Plugin[Any], serve: Serve) -> None:
    running, client, _ = await serve(plugin)
    info = await client.GetInfo(plugin_pb2.GetInfoRequest())
    assert (info.plugin, info.version, info.instance_id) == ("Plain", "1.2.3", running.instance_id)
    assert [(api.name, api.version) for api in info.apis] == [("Table", "1.0.0")]
    assert info.serves_work
    assert info.runtime.startswith("kplug/")
    assert info.runtime.endswith(f"python/{platform.python_version()}")


async def test_it_answers_health_checks_and_watches(plugin: Plugin[Any], serve: Serve) -> None:
    running, _, channel = await serve(plugin)
    health = health_pb2_grpc.HealthStub(channel)
    for service in ("", "kplug.v1.PluginService"):
        answer = await health.Check(health_pb2.HealthCheckRequest(service=service))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    watch = health.Watch(health_pb2.HealthCheckRequest())
    assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
    await running.stop()
    with pytest.raises(aio.AioRpcError):
        await watch.read()


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
async def test_it_answers_reflection(plugin: Plugin[Any], serve: Serve, version: str) -> None:
    _, _, channel = await serve(plugin)
    reflect: Any = channel.stream_stream(
        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
        reflection_pb2.ServerReflectionRequest.SerializeToString,
        reflection_pb2.ServerReflectionResponse.FromString,
    )
    stream = reflect()
    await stream.write(reflection_pb2.ServerReflectionRequest(list_services=""))
    names = {service.name for service in (await stream.read()).list_services_response.service}
    assert {"kplug.v1.PluginService", "grpc.health.v1.Health", f"grpc.reflection.{version}.ServerReflection"} <= names
    await stream.write(reflection_pb2.ServerReflectionRequest(file_containing_symbol="kplug.v1.PluginService"))
    files = (await stream.read()).file_descriptor_response.file_descriptor_proto
    assert any(b"kplug/v1/plugin.proto" in file for file in files)
    await stream.done_writing()


async def test_it_finishes_in_flight_calls_before_it_stops(serve: Serve, until: Until) -> None:
    plugin = Plugin("Plain", version="1.0.0", api="Table@1.0.0")
    started, go_on = threading.Event(), threading.Event()
    order: list[str] = []

    @plugin.reconcile
    def reconcile(call: Call) -> None:
        started.set()
        go_on.wait(10)
        order.append("reconciled")

    plugin.on_start(lambda: order.append("started"))

    @plugin.on_stop
    async def close() -> None:
        order.append("closed")

    running, client, _ = await serve(plugin)
    pending = asyncio.ensure_future(client.Reconcile(request()))
    await until(started.is_set)
    stopping = asyncio.create_task(running.stop())
    await asyncio.sleep(0.1)
    assert not stopping.done()
    go_on.set()
    await pending
    await stopping
    await running.stop()
    assert order == ["started", "reconciled", "closed"]
    with pytest.raises(aio.AioRpcError) as failure:
        await client.Reconcile(request())
    assert failure.value.code() == StatusCode.UNAVAILABLE


async def test_a_call_that_exceeds_the_drain_timeout_is_cancelled(
    serve: Serve, until: Until, caplog: pytest.LogCaptureFixture
) -> None:
    plugin = Plugin("Plain", version="1.0.0", api="Table@1.0.0")
    calls: list[Call] = []

    @plugin.reconcile
    async def reconcile(call: Call) -> None:
        calls.append(call)
        await asyncio.sleep(60)

    running, client, _ = await serve(plugin, drain_timeout=0.1)
    pending = asyncio.ensure_future(client.Reconcile(request()))
    await until(lambda: calls)
    await running.stop()
    with pytest.raises(aio.AioRpcError):
        await pending
    assert calls[0].cancelled.is_set()
    assert running.in_flight == 0
    assert "drain timeout of 0.1 s exceeded; cancelling 1 in-flight call(s)" in caplog.messages


async def test_a_plugin_that_fails_to_start_can_be_started_again(
    plugin: Plugin[Any], registry: FakeRegistry, serve: Serve
) -> None:
    failures = [ConnectionError("no database")]

    @plugin.on_start
    def connect() -> None:
        if failures:
            raise failures.pop()

    with pytest.raises(ConnectionError, match="no database"):
        await plugin.serve(controller=registry.address)
    await serve(plugin)


async def test_an_address_in_use_is_reported_and_resources_are_closed(
    plugin: Plugin[Any], registry: FakeRegistry
) -> None:
    order: list[str] = []
    plugin.on_start(lambda: order.append("opened"))
    plugin.on_stop(lambda: order.append("closed"))
    with pytest.raises(CannotServe, match=re.escape(f"the plugin can't listen on {registry.address}: ")):
        await plugin.serve(controller=registry.address, bind_address=registry.address)
    assert order == ["opened", "closed"]


async def test_it_listens_on_its_bind_address(
    plugin: Plugin[Any], registry: FakeRegistry, serve: Serve, until: Until
) -> None:
    running, _, _ = await serve(plugin, bind_address=":0", address="127.0.0.1:0")
    assert running.address.startswith("127.0.0.1:")
    assert not running.address.endswith(":0")
    await until(lambda: running.registered)
    assert registry.registrations[0].address == running.address


async def test_a_plugin_without_a_function_is_rejected() -> None:
    plugin = Plugin("Plain", version="1.0.0", api="Table@1.0.0")
    with pytest.raises(InvalidDefinition, match="has no reconcile function; decorate one with"):
        await plugin.serve()


def test_a_second_function_is_rejected(plugin: Plugin[Any]) -> None:
    with pytest.raises(InvalidDefinition, match="the reconcile function is already set"):
        plugin.reconcile(lambda _: None)
