"""`grpc.health.v1` and server reflection."""

from __future__ import annotations

import grpc
from grpc import aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2

_REFLECTION = "grpc.reflection.v1.ServerReflection"


async def add_health(server: aio.Server, services: list[str]) -> None:
    """Serves health, with `Watch`: each service is serving, and so is the whole."""
    servicer = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    for service in ["", *services]:
        await servicer.set(service, health_pb2.HealthCheckResponse.SERVING)


def add_reflection(server: aio.Server, services: list[str]) -> None:
    """Serves reflection as `v1` and as `v1alpha`, which differ in nothing but their name."""
    names = [*services, health.SERVICE_NAME, reflection.SERVICE_NAME, _REFLECTION]
    reflection.enable_server_reflection(names, server)
    handler = grpc.stream_stream_rpc_method_handler(
        reflection.aio.ReflectionServicer(names).ServerReflectionInfo,
        reflection_pb2.ServerReflectionRequest.FromString,
        reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    methods = {"ServerReflectionInfo": handler}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(_REFLECTION, methods),))
