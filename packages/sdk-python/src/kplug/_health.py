"""`grpc.health.v1` and server reflection."""

from __future__ import annotations

import asyncio

import grpc
from grpc import aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2

_REFLECTION = "grpc.reflection.v1.ServerReflection"


class Health:
    """Health of a plugin as a whole, and of each of its services and APIs by name."""

    def __init__(self) -> None:
        self._servicer = health.aio.HealthServicer()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._unserved: set[str] = set()

    async def serve(self, server: aio.Server, names: list[str]) -> None:
        """Serves `Check` and `Watch`. The plugin and each name are serving, except names that were set otherwise."""
        self._loop = asyncio.get_running_loop()
        health_pb2_grpc.add_HealthServicer_to_server(self._servicer, server)
        for name in ["", *names]:
            await self._set(name, name not in self._unserved)

    def set_serving(self, name: str, serving: bool) -> None:
        """Sets whether a name is serving. Thread-safe."""
        if serving:
            self._unserved.discard(name)
        else:
            self._unserved.add(name)
        if self._loop is not None and not self._loop.is_closed():
            asyncio.run_coroutine_threadsafe(self._set(name, serving), self._loop)

    async def _set(self, name: str, serving: bool) -> None:
        status = health_pb2.HealthCheckResponse
        await self._servicer.set(name, status.SERVING if serving else status.NOT_SERVING)


def add_reflection(server: aio.Server, services: list[str]) -> None:
    """Serves reflection as `v1` and as `v1alpha`, which differ only in their names."""
    names = [*services, health.SERVICE_NAME, reflection.SERVICE_NAME, _REFLECTION]
    reflection.enable_server_reflection(names, server)
    handler = grpc.stream_stream_rpc_method_handler(
        reflection.aio.ReflectionServicer(names).ServerReflectionInfo,
        reflection_pb2.ServerReflectionRequest.FromString,
        reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    methods = {"ServerReflectionInfo": handler}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(_REFLECTION, methods),))
