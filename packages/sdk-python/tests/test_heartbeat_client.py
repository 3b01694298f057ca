"""Registration and heartbeats."""

import asyncio
import logging
from typing import Any

import pytest
from conftest import Serve, Until
from google.protobuf.duration_pb2 import Duration
from registry import FakeRegistry

from kplug import Plugin, Pod
from kplug._heartbeat_client import _reason_in
from kplug.v1 import registry_pb2


@pytest.fixture
def plugin() -> Plugin[Any]:
    plugin = Plugin("Plain", version="1.2.3", api="Table@1.0.0", extensions={"Options": None})
    plugin.reconcile(lambda _: None)
    return plugin


async def test_it_registers_and_sends_heartbeats(
    plugin: Plugin[Any], registry: FakeRegistry, serve: Serve, until: Until
) -> None:
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


async def test_it_uses_the_interval_of_the_lease(
    plugin: Plugin[Any], registry: FakeRegistry, serve: Serve, until: Until
) -> None:
    registry.lease = registry_pb2.Lease(interval=Duration(seconds=600))
    running, _, _ = await serve(plugin)
    await until(lambda: running.registered)
    assert registry.beats == 0
    registry.tell(registry_pb2.SessionResponse(lease=registry_pb2.Lease(interval=Duration(nanos=20_000_000))))
    await until(lambda: registry.beats >= 3)


async def test_it_registers_again_after_a_restart_of_the_controller(
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
    warnings = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(warnings) == 1
    assert f"heartbeat to {registry.address} failed: " in warnings[0].message
    await running.stop()
    await other.stop()


async def test_it_opens_a_new_connection_if_a_registration_is_not_answered(
    plugin: Plugin[Any],
    registry: FakeRegistry,
    serve: Serve,
    until: Until,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("kplug._heartbeat_session._ANSWER_TIMEOUT", 0.3)
    registry.mute = True
    running, _, _ = await serve(plugin)
    await until(lambda: len(registry.registrations) >= 2)
    registry.mute = False
    await until(lambda: running.registered)
    warnings = [record.message for record in caplog.records if record.levelno >= logging.WARNING]
    assert warnings == [f"heartbeat to {registry.address} failed: no answer within 0.3 s; retrying"]


async def test_it_sends_unary_heartbeats_if_the_controller_has_no_sessions(
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
async def test_a_refusal_is_logged_and_not_retried_soon(
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
    await until(lambda: any("refused the registration: the address is loopback" in line for line in caplog.messages))
    # Several times the delay after a broken session.
    await asyncio.sleep(0.5)
    assert len(registry.registrations) == 1
    assert not running.registered
    await running.stop()


async def test_it_deregisters_before_it_closes_its_session(
    plugin: Plugin[Any], registry: FakeRegistry, serve: Serve, until: Until
) -> None:
    running, _, _ = await serve(plugin)
    await until(lambda: running.registered)
    await running.stop()
    assert registry.deregistered == [running.instance_id]
    assert registry.ended == 1
    assert not running.registered


async def test_it_drains_on_request(plugin: Plugin[Any], registry: FakeRegistry, serve: Serve, until: Until) -> None:
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


@pytest.mark.parametrize(
    "details", ["Received RST_STREAM with error code 0", "Received RST_STREAM with code 8", "Stream removed"]
)
def test_a_session_that_is_reset_without_a_status_has_a_reason_for_people(details: str) -> None:
    assert _reason_in(details) == "the controller closed the session; it probably shut down"


@pytest.mark.parametrize("details", ["the operator shut down", "Received RST_STREAM with error code 11"])
def test_other_reasons_stay_as_they_are(details: str) -> None:
    assert _reason_in(details) == details
