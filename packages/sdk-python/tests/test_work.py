"""Many calls over one stream."""

import asyncio
from typing import Any

from conftest import Serve, Until, only_message, request
from grpc import StatusCode, aio

from kplug import Call, FinalizeCall, Plugin, Result, Terminal
from kplug.v1 import plugin_pb2

Work = plugin_pb2.WorkRequest


class Gates:
    """Plugin whose calls wait until they are released, by the name in their spec."""

    def __init__(self) -> None:
        self.plugin = Plugin("Gates", version="1.0.0", api="Table@1.0.0")
        self.open: dict[str, asyncio.Event] = {}
        self.cancelled: list[str] = []
        self.finalized: list[str] = []

        @self.plugin.reconcile
        async def reconcile(call: Call) -> Result:
            name = call.base.spec["name"]
            self.open[name] = asyncio.Event()
            try:
                await self.open[name].wait()
            except asyncio.CancelledError:
                self.cancelled.append(name)
                raise
            return Result(status={"name": name})

        @self.plugin.finalize
        async def finalize(call: FinalizeCall) -> None:
            self.finalized.append(call.base.spec["name"])
            raise Terminal("it stays", reason="Stays")


def named(id_: int, name: str) -> plugin_pb2.WorkRequest:
    return Work(id=id_, reconcile=request({"name": name}))


async def read(stream: Any) -> plugin_pb2.WorkResponse:
    response = await asyncio.wait_for(stream.read(), 10)
    assert isinstance(response, plugin_pb2.WorkResponse)
    return response


async def test_responses_are_sent_as_calls_finish(serve: Serve, until: Until) -> None:
    gates = Gates()
    _, client, _ = await serve(gates.plugin)
    stream = client.Work()
    await stream.write(named(1, "a"))
    await stream.write(named(2, "b"))
    await until(lambda: len(gates.open) == 2)
    gates.open["b"].set()
    assert (await read(stream)).id == 2
    await stream.write(Work(id=3, finalize=plugin_pb2.FinalizeRequest(base=request({"name": "c"}).base)))
    response = await read(stream)
    assert response.id == 3
    assert only_message(response.finalize) == ("Stays", "it stays", "")
    gates.open["a"].set()
    response = await read(stream)
    assert (response.id, response.reconcile.base_status) == (1, b'{"name":"a"}')
    await stream.done_writing()
    assert await stream.read() is aio.EOF


async def test_a_cancelled_call_has_no_response(serve: Serve, until: Until) -> None:
    gates = Gates()
    running, client, _ = await serve(gates.plugin)
    stream = client.Work()
    # Cancels the first call before it starts.
    for message in (
        named(1, "a"),
        Work(id=1, cancellation=plugin_pb2.WorkCancellation()),
        named(2, "b"),
        named(3, "c"),
    ):
        await stream.write(message)
    await until(lambda: {"b", "c"} <= gates.open.keys())
    await stream.write(Work(id=2, cancellation=plugin_pb2.WorkCancellation()))
    await stream.write(Work(id=77, cancellation=plugin_pb2.WorkCancellation()))
    await until(lambda: "b" in gates.cancelled)
    gates.open["c"].set()
    assert (await read(stream)).id == 3
    await stream.done_writing()
    assert await stream.read() is aio.EOF
    assert running.in_flight == 0


async def test_an_unknown_call_is_unimplemented(serve: Serve) -> None:
    _, client, _ = await serve(Gates().plugin)
    stream = client.Work()
    await stream.write(Work(id=5))
    response = await read(stream)
    assert (response.id, response.error.code) == (5, StatusCode.UNIMPLEMENTED.value[0])


async def test_a_broken_stream_cancels_in_flight_calls(serve: Serve, until: Until) -> None:
    gates = Gates()
    running, client, _ = await serve(gates.plugin)
    stream = client.Work()
    await stream.write(named(1, "a"))
    await stream.write(named(2, "b"))
    await until(lambda: len(gates.open) == 2)
    stream.cancel()
    await until(lambda: sorted(gates.cancelled) == ["a", "b"])
    await until(lambda: running.in_flight == 0)


async def test_a_stopping_plugin_finishes_in_flight_calls_and_ends_its_streams(serve: Serve, until: Until) -> None:
    gates = Gates()
    running, client, _ = await serve(gates.plugin)
    idle, busy = client.Work(), client.Work()
    await idle.write(Work(id=9))
    await read(idle)
    await busy.write(named(1, "a"))
    await until(lambda: gates.open)
    stopping = asyncio.create_task(running.stop())
    await asyncio.sleep(0.05)
    gates.open["a"].set()
    assert (await read(busy)).id == 1
    assert await busy.read() is aio.EOF
    assert await idle.read() is aio.EOF
    await stopping
