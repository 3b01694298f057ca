"""Service method `Work`: many calls over one stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

import grpc

from kplug._handlers import Handlers
from kplug.v1 import plugin_pb2

_Request = plugin_pb2.WorkRequest
_Response = plugin_pb2.WorkResponse


class WorkStreams:
    """Streams of `Work` of a plugin."""

    def __init__(self, handlers: Handlers) -> None:
        self._handlers = handlers
        self._streams: set[_WorkStream] = set()

    async def serve(self, requests: AsyncIterator[_Request]) -> AsyncGenerator[_Response, None]:
        """Serves one stream."""
        stream = _WorkStream(self._handlers, requests)
        self._streams.add(stream)
        try:
            while (response := await stream.next()) is not None:
                yield response
        finally:
            self._streams.discard(stream)
            stream.cancel()

    def end(self) -> None:
        """Ends each stream as soon as its calls have been answered, so that the controller sends no more."""
        for stream in self._streams:
            stream.end()


class _WorkStream:
    def __init__(self, handlers: Handlers, requests: AsyncIterator[_Request]) -> None:
        self._handlers = handlers
        self._in_flight: dict[int, asyncio.Task[_Response]] = {}
        self._answered: asyncio.Queue[_Response | None] = asyncio.Queue()
        self._is_ending = False
        self._reading = asyncio.create_task(self._read(requests))

    async def next(self) -> _Response | None:
        """Returns the next response; `None` at the end of the stream."""
        return await self._answered.get()

    def end(self) -> None:
        """Ends the stream as soon as its calls have been answered."""
        self._is_ending = True
        if not self._in_flight:
            self._answered.put_nowait(None)

    def cancel(self) -> None:
        """Cancels all in-flight calls."""
        self._reading.cancel()
        for id_ in list(self._in_flight):
            self._cancel(id_)

    async def _read(self, requests: AsyncIterator[_Request]) -> None:
        try:
            async for request in requests:
                if request.WhichOneof("call") == "cancellation":
                    self._cancel(request.id)
                else:
                    self._start(request)
        finally:
            self.end()

    def _cancel(self, id_: int) -> None:
        if task := self._in_flight.get(id_):
            task.cancel()

    def _start(self, request: _Request) -> None:
        def finish(task: asyncio.Task[_Response]) -> None:
            del self._in_flight[request.id]
            if not task.cancelled():
                self._answered.put_nowait(_result_of(task, request.id))
            if self._is_ending:
                self.end()

        task = asyncio.create_task(self._answer(request))
        self._in_flight[request.id] = task
        task.add_done_callback(finish)

    async def _answer(self, request: _Request) -> _Response:
        match request.WhichOneof("call"):
            case "reconcile":
                return _Response(id=request.id, reconcile=await self._handlers.reconcile(request.reconcile))
            case "finalize":
                return _Response(id=request.id, finalize=await self._handlers.finalize(request.finalize))
            case _:
                return _error(request.id, grpc.StatusCode.UNIMPLEMENTED, "this plugin does not support the call")


def _result_of(task: asyncio.Task[_Response], id_: int) -> _Response:
    """Returns the response of a call, or its exception as an error, as gRPC does for an RPC."""
    error = task.exception()
    return _error(id_, grpc.StatusCode.INTERNAL, str(error)) if error else task.result()


def _error(id_: int, code: grpc.StatusCode, message: str) -> _Response:
    return _Response(id=id_, error=plugin_pb2.WorkError(code=code.value[0], message=message))
