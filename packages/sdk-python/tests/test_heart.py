"""Being known to a controller."""

import asyncio
import logging
from typing import Any

import pytest
from conftest import Serve, Until
from google.protobuf.duration_pb2 import Duration
from registry import FakeRegistry

from kplug import Plugin, Pod
from kplug.v1 import registry_pb2


@pytest.fixture
def plugin() -> Plugin[Any]:
    plugin = Plugin("Plain", version="1.2.3", api="Table@1.0.0", extensions={"Options": None})
    plugin.reconcile(lambda _: None)
    return plugin


async def test_it_registers_and_beats(plugin: Plugin[Any], registry: FakeRegistry, serve: Serve, until: Until) -> None:
    pod = Pod("plugins", "a-1")
    running, _, _ = await serve(plugin, weight=7, labels={"zone": "a"}, pod=pod, interval=0.5, ttl=2, instance_id="me")
    await until(lambda: registry.beats >= 3)
    assert running.registered
    (registration,) = registry.registrations
    assert registration == registry_pb2.Registration(
        plugin="Plain",
        version="1.2.3",
        apis=[
            registry_pb2.PluginApi(
                name="Table", version="1.0.0", extension_kinds=[registry_pb2.ExtensionKind(kind="Options")]
            )
        ],
        address=running.address,
        instance_id="me",
        weight=7,
        labels={"zone": "a"},
        interval=Duration(nanos=500_000_000),
        ttl=Duration(seconds=2),
        pod=registry_pb2.PodReference(namespace="plugins", name="a-1"),
    )
    assert running.address.startswith(":")


async def test_it_keeps_the_interval_that_it_is_told(
    plugin: Plugin[Any], registry: FakeRegistry, serve: Serve, until: Until
) -> None:
    registry.lease = registry_pb2.Lease(interval=Duration(seconds=600))
    running, _, _ = await serve(plugin)
    await until(lambda: running.registered)
    assert registry.beats == 0
    registry.tell(registry_pb2.SessionResponse(lease=registry_pb2.Lease(interval=Duration(nanos=20_000_000))))
    await until(lambda: registry.beats >= 3)


async def test_it_registers_anew_with_a_controller_that_comes_back(
    plugin: Plugin[Any], registry: FakeRegistry, serve: Serve, until: Until, caplog: pytest.LogCaptureFixture
) -> None:
    running, _, _ = await serve(plugin)
    await until(lambda: running.registered)
    await registry.stop()
    await until(lambda: not running.registered)
    other = FakeRegistry()
    await other.start(registry.address)
    await until(lambda: other.beats > 0)
    assert running.registered
    complaints = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(complaints) == 1
    assert f"the controller can't be reached at {registry.address}" in complaints[0].message
    await running.stop()
    await other.stop()


async def test_it_beats_by_single_calls_where_there_are_no_sessions(
    plugin: Plugin[Any], registry: FakeRegistry, serve: Serve, until: Until
) -> None:
    registry.sessions = False
    running, _, _ = await serve(plugin)
    await until(lambda: len(registry.registrations) >= 3)
    assert running.registered
    await registry.stop()
    await until(lambda: not running.registered)
    other = FakeRegistry()
    await other.start(registry.address)
    await until(lambda: other.beats > 0)
    await running.stop()
    await other.stop()


@pytest.mark.parametrize("sessions", [True, False])
async def test_a_refusal_is_logged_and_not_insisted_on(
    plugin: Plugin[Any],
    registry: FakeRegistry,
    serve: Serve,
    until: Until,
    caplog: pytest.LogCaptureFixture,
    sessions: bool,
) -> None:
    registry.sessions = sessions
    registry.refusal = registry_pb2.Refusal(message="the address is loopback")
    running, _, _ = await serve(plugin)
    await until(lambda: any("refuses the registration: the address is loopback" in line for line in caplog.messages))
    # Several times what it would wait if the session had broken.
    await asyncio.sleep(0.5)
    assert len(registry.registrations) == 1
    assert not running.registered
    await running.stop()


async def test_it_deregisters_before_it_ends_its_session(
    plugin: Plugin[Any], registry: FakeRegistry, serve: Serve, until: Until
) -> None:
    running, _, _ = await serve(plugin)
    await until(lambda: running.registered)
    await running.stop()
    assert registry.deregistered == [running.instance_id]
    assert registry.ended == 1
    assert not running.registered


async def test_it_drains_when_it_is_asked_to(
    plugin: Plugin[Any], registry: FakeRegistry, serve: Serve, until: Until
) -> None:
    running, _, _ = await serve(plugin)
    await until(lambda: running.registered)
    registry.tell(registry_pb2.SessionResponse(lease=registry_pb2.Lease(drain=True)))
    await running.wait_stopped()
    assert registry.deregistered == [running.instance_id]


async def test_it_stops_without_a_controller(plugin: Plugin[Any], registry: FakeRegistry, serve: Serve) -> None:
    await registry.stop()
    running, _, _ = await serve(plugin)
    await running.stop()
    assert not running.registered
