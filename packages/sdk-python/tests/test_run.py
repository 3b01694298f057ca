"""Plugins in a process of their own."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio
from conftest import Until, request
from grpc import aio
from registry import FakeRegistry

from kplug.v1 import plugin_pb2_grpc

Start = Callable[[str], Awaitable[Process]]

STUCK = """
import time
from kplug import Plugin

plugin = Plugin("Stuck", version="1.0.0", api="Table@1.0.0")

@plugin.reconcile
def reconcile(call):
    print("called", flush=True)
    time.sleep(600)

plugin.run(drain_timeout=0.1)
"""


@pytest_asyncio.fixture
async def start(registry: FakeRegistry) -> AsyncIterator[Start]:
    processes: list[Process] = []

    async def start(log_level: str) -> Process:
        variables = {"KPLUG_CONTROLLER": registry.address, "KPLUG_LOG_LEVEL": log_level}
        command = (sys.executable, "-c", STUCK)
        process = await asyncio.create_subprocess_exec(
            *command, env={**os.environ, **variables}, stdout=PIPE, stderr=PIPE
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_it_stops_on_sigterm(start: Start, registry: FakeRegistry, until: Until) -> None:
    process = await start("silent")
    await until(lambda: registry.registrations)
    process.terminate()
    _, errors = await asyncio.wait_for(process.communicate(), 10)
    assert process.returncode == 0
    assert registry.deregistered == [registry.registrations[0].instance_id]
    assert errors == b""


async def test_it_stops_even_if_a_thread_never_ends(start: Start, registry: FakeRegistry, until: Until) -> None:
    process = await start("info")
    await until(lambda: registry.registrations)
    async with aio.insecure_channel(f"127.0.0.1{registry.registrations[0].address}") as channel:
        call = plugin_pb2_grpc.PluginServiceStub(channel).Reconcile(request())
        assert process.stdout is not None
        assert await process.stdout.readline() == b"called\n"
        process.terminate()
        _, errors = await asyncio.wait_for(process.communicate(), 10)
        with pytest.raises(aio.AioRpcError):
            await call
    assert process.returncode == 0
    assert b"kplug.Stuck drain timeout of 0.1 s exceeded; cancelling 1 in-flight call(s)" in errors
