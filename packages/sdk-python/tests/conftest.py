"""Shared fixtures. They are torn down with the test."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any, Protocol

import pytest
import pytest_asyncio
from grpc import aio
from registry import FakeRegistry

from kplug import Plugin, RunningPlugin
from kplug.v1 import plugin_pb2, plugin_pb2_grpc, resource_pb2

Until = Callable[[Callable[[], object]], Awaitable[None]]


class Serve(Protocol):
    """Serves a plugin for a test."""

    async def __call__(
        self, plugin: Plugin[Any], **options: Any
    ) -> tuple[RunningPlugin, plugin_pb2_grpc.PluginServiceAsyncStub, aio.Channel]: ...


@pytest.fixture
def until() -> Until:
    """Waits until a condition holds."""

    async def wait(condition: Callable[[], object]) -> None:
        async def poll() -> None:
            while not condition():  # noqa: ASYNC110
                await asyncio.sleep(0.005)

        await asyncio.wait_for(poll(), 10)

    return wait


@pytest_asyncio.fixture
async def registry() -> AsyncIterator[FakeRegistry]:
    """Starts a controller that accepts heartbeats."""
    registry = FakeRegistry()
    await registry.start()
    yield registry
    await registry.stop()


class StartRegistry(Protocol):
    """Starts a controller of its own for a test."""

    async def __call__(self, address: str = "127.0.0.1:0", **options: Any) -> FakeRegistry: ...


@pytest_asyncio.fixture
async def start_registry() -> AsyncIterator[StartRegistry]:
    """Starts controllers with options."""
    async with AsyncExitStack() as stack:

        async def start(address: str = "127.0.0.1:0", **options: Any) -> FakeRegistry:
            registry = FakeRegistry(**options)
            await registry.start(address)
            stack.push_async_callback(registry.stop)
            return registry

        yield start


class Start(Protocol):
    """Starts a plugin for a test."""

    async def __call__(self, registry: FakeRegistry, **options: Any) -> RunningPlugin: ...


@pytest_asyncio.fixture
async def start(plugin: Plugin[Any]) -> AsyncIterator[Start]:
    """Starts the plugin of the test file, without a client."""
    async with AsyncExitStack() as stack:

        async def start(registry: FakeRegistry, **options: Any) -> RunningPlugin:
            running = await plugin.serve(**{"controller": registry.address, "drain_timeout": 5, **options})
            stack.push_async_callback(running.stop)
            return running

        yield start


@pytest_asyncio.fixture
async def serve(registry: FakeRegistry) -> AsyncIterator[Serve]:
    """Serves plugins and connects a client to each."""
    async with AsyncExitStack() as stack:

        async def serve(
            plugin: Plugin[Any], **options: Any
        ) -> tuple[RunningPlugin, plugin_pb2_grpc.PluginServiceAsyncStub, aio.Channel]:
            running = await plugin.serve(**{"controller": registry.address, "drain_timeout": 5, **options})
            stack.push_async_callback(running.stop)
            port = running.address.rsplit(":", 1)[1]
            channel = await stack.enter_async_context(aio.insecure_channel(f"127.0.0.1:{port}"))
            return running, plugin_pb2_grpc.PluginServiceStub(channel), channel

        yield serve


def resource(kind: str = "Table", name: str = "users", **parts: Any) -> resource_pb2.Resource:
    """Creates a resource of a request."""
    spec = parts.get("spec")
    # Calls for one resource run one after another.
    uid = str(spec.get("name", "1")) if isinstance(spec, dict) else "1"
    metadata = {"name": name, "namespace": "default", "uid": uid, "generation": 1}
    whole = {"apiVersion": "myorg.org/v1", "kind": kind, "metadata": metadata, **parts}
    return resource_pb2.Resource(json=json.dumps(whole).encode())


def key(kind: str, name: str = "users") -> str:
    """Returns the key of an extension."""
    return f"myorg.org/v1/{kind}/default/{name}"


def request(spec: Any = None, **extensions: Any) -> plugin_pb2.ReconcileRequest:
    """Creates a request with the specs of the base and of extensions by kind."""
    return plugin_pb2.ReconcileRequest(
        base=resource(spec={} if spec is None else spec),
        extensions={key(kind): resource(kind, spec=given) for kind, given in extensions.items()},
        assignment=plugin_pb2.Assignment(delegation="tables", api="Table", api_version="1.0.0", reason="Preferred"),
        context=plugin_pb2.CallContext(attempt=1),
    )


def only_message(response: Any) -> tuple[str, str, str]:
    """Returns the reason, text and target of the only message of a response."""
    (message,) = response.messages
    assert message.severity == resource_pb2.SEVERITY_ERROR
    return message.reason, message.text, message.target
