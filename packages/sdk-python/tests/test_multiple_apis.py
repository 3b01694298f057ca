"""Plugins of several APIs, and the health of each."""

import threading
from dataclasses import dataclass
from typing import Any

import pytest
from conftest import Serve, Until, request
from grpc_health.v1 import health_pb2, health_pb2_grpc

from kplug import Call, InvalidDefinition, Plugin, Result
from kplug.v1 import plugin_pb2

_STATUS = health_pb2.HealthCheckResponse


@dataclass
class _View:
    query: str


def _foobar() -> Plugin[Any]:
    plugin = Plugin("Foobar", version="1.0.0", api="Table@1.0.0")
    plugin.reconcile(lambda _: Result(status={"by": "table"}))
    view = plugin.implement_api("View@1.0.0", spec=_View)

    @view.reconcile
    def reconcile(call: Call[_View]) -> Result:
        return Result(status={"by": "view", "query": call.base.spec.query})

    return plugin


async def test_each_api_has_its_functions_and_models(serve: Serve) -> None:
    _, client, _ = await serve(_foobar())
    info = await client.GetInfo(plugin_pb2.GetInfoRequest())
    assert [(api.name, api.version) for api in info.apis] == [("Table", "1.0.0"), ("View", "1.0.0")]

    async def reconcile(api: str, spec: dict[str, Any]) -> plugin_pb2.ReconcileResponse:
        made = request(spec=spec)
        made.assignment.api, made.assignment.api_version = api, "1.0.0"
        return await client.Reconcile(made)

    assert (await reconcile("Table", {})).base_status == b'{"by":"table"}'
    assert (await reconcile("View", {"query": "all"})).base_status == b'{"by":"view","query":"all"}'
    failure = await reconcile("View", {"query": 3})
    assert (failure.outcome, failure.messages[0].reason) == (plugin_pb2.OUTCOME_TERMINAL, "InvalidSpec")
    unknown = await reconcile("Index", {})
    assert (unknown.outcome, unknown.messages[0].reason) == (plugin_pb2.OUTCOME_TERMINAL, "UnknownApi")


async def test_each_api_has_its_health(serve: Serve, until: Until) -> None:
    plugin = _foobar()
    plugin.set_serving("View", False)
    _, _, channel = await serve(plugin)
    health = health_pb2_grpc.HealthStub(channel)
    seen: list[tuple[str, int]] = []
    for name in ("Table", "View", ""):
        answer = await health.Check(health_pb2.HealthCheckRequest(service=name))
        seen.append((name, answer.status))
    assert seen == [("Table", _STATUS.SERVING), ("View", _STATUS.NOT_SERVING), ("", _STATUS.SERVING)]
    watch = health.Watch(health_pb2.HealthCheckRequest(service="Table"))
    assert (await watch.read()).status == _STATUS.SERVING
    threading.Thread(target=plugin.set_serving, args=("Table", False)).start()
    assert (await watch.read()).status == _STATUS.NOT_SERVING
    with pytest.raises(InvalidDefinition, match='doesn\'t implement the API "Index"; it implements Table, View'):
        plugin.set_serving("Index", False)


async def test_a_plugin_without_a_controller_serves_and_stops(serve: Serve) -> None:
    running, client, _ = await serve(_foobar(), controller="none", bind_address="127.0.0.1:0")
    assert (await client.GetInfo(plugin_pb2.GetInfoRequest())).plugin == "Foobar"
    assert not running.registered
    await running.stop()


async def test_missing_and_duplicate_apis_are_rejected(serve: Serve) -> None:
    with pytest.raises(InvalidDefinition, match="implements no API"):
        await Plugin("Foobar", version="1.0.0").serve()
    plugin = _foobar()
    plugin.implement_api("View@1.0.0").reconcile(lambda _: None)
    with pytest.raises(InvalidDefinition, match=r"implements the API View@1\.0\.0 twice"):
        await plugin.serve()
    plugin = _foobar()
    plugin.implement_api("Index@1.0.0")
    with pytest.raises(InvalidDefinition, match="has no reconcile function"):
        await plugin.serve()
