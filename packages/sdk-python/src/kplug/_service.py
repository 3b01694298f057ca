"""Service `kplug.v1.PluginService`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from kplug._handlers import Handlers
from kplug._work import WorkStreams
from kplug.v1 import plugin_pb2, plugin_pb2_grpc


class PluginService(plugin_pb2_grpc.PluginServiceServicer):
    """Servicer of `kplug.v1.PluginService`."""

    def __init__(self, handlers: Handlers, work: WorkStreams, info: plugin_pb2.GetInfoResponse) -> None:
        self._handlers = handlers
        self._work = work
        self._info = info

    async def GetInfo(self, request: plugin_pb2.GetInfoRequest, context: object) -> plugin_pb2.GetInfoResponse:
        return self._info

    async def Reconcile(self, request: plugin_pb2.ReconcileRequest, context: object) -> plugin_pb2.ReconcileResponse:
        return await self._handlers.reconcile(request)

    async def Finalize(self, request: plugin_pb2.FinalizeRequest, context: object) -> plugin_pb2.FinalizeResponse:
        return await self._handlers.finalize(request)

    async def Work(
        self, request_iterator: AsyncIterator[plugin_pb2.WorkRequest], context: object
    ) -> AsyncGenerator[plugin_pb2.WorkResponse, None]:
        # Must be an async generator function: gRPC runs any other function in a thread.
        async with aclosing(self._work.serve(request_iterator)) as responses:
            async for response in responses:
                yield response
