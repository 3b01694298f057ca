"""Scripted registry of a controller for tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.duration_pb2 import Duration
from grpc import aio

from kplug.v1 import registry_pb2, registry_pb2_grpc


@dataclass(frozen=True)
class Message:
    """A message of a plugin, with its proofs."""

    rpc: str
    token: str | None
    secret: str | None
    registration: registry_pb2.Registration | None = None
    client: str | None = None
    """Common name of the client certificate."""


class FakeRegistry(registry_pb2_grpc.RegistryServiceServicer):
    """Records registrations and heartbeats."""

    def __init__(
        self, *, sessions: bool = True, interval: float = 0.05, credentials: grpc.ServerCredentials | None = None
    ) -> None:
        self.sessions = sessions
        self.refuse: Callable[[Message], registry_pb2.Refusal | None] = lambda _: self.refusal
        self.messages: list[Message] = []
        self.session_counts: list[int] = []
        """Number of open sessions, after each change."""
        self._credentials = credentials
        self.refusal: registry_pb2.Refusal | None = None
        self.mute = False
        """True to leave the registrations of sessions unanswered."""
        self.lease = registry_pb2.Lease(interval=Duration(nanos=int(interval * 1e9)))
        self.registrations: list[registry_pb2.Registration] = []
        self.beats = 0
        self.ended = 0
        self.deregistered: list[str] = []
        self.address = ""
        self.port = 0
        self._server: aio.Server | None = None
        self._notices: set[asyncio.Queue[registry_pb2.SessionResponse | None]] = set()

    async def start(self, address: str = "127.0.0.1:0") -> None:
        self._server = aio.server(options=[("grpc.so_reuseport", 0)])
        if self._credentials is None:
            self.port = self._server.add_insecure_port(address)
        else:
            self.port = self._server.add_secure_port(address, self._credentials)
        self.address = f"127.0.0.1:{self.port}"
        registry_pb2_grpc.add_RegistryServiceServicer_to_server(self, self._server)
        await self._server.start()

    async def stop(self) -> None:
        if self._server is not None:
            await self._server.stop(None)

    def tell(self, response: registry_pb2.SessionResponse) -> None:
        """Sends a message in every session."""
        for notices in self._notices:
            notices.put_nowait(response)

    async def Session(
        self, requests: AsyncIterator[registry_pb2.SessionRequest], context: Any
    ) -> AsyncIterator[registry_pb2.SessionResponse]:
        if not self.sessions:
            await context.abort(grpc.StatusCode.UNIMPLEMENTED, "no sessions")
        notices: asyncio.Queue[registry_pb2.SessionResponse | None] = asyncio.Queue()
        self._notices.add(notices)
        self.session_counts.append(len(self._notices))
        hearing = asyncio.create_task(self._hear(requests, notices, context))
        try:
            while (notice := await notices.get()) is not None:
                yield notice
                if notice.HasField("refusal"):
                    return
        finally:
            self._notices.discard(notices)
            self.session_counts.append(len(self._notices))
            hearing.cancel()

    async def Heartbeat(self, request: registry_pb2.HeartbeatRequest, context: Any) -> registry_pb2.HeartbeatResponse:
        refusal = self._record("Heartbeat", request.registration, context)
        if refusal is not None:
            return registry_pb2.HeartbeatResponse(refusal=refusal)
        return registry_pb2.HeartbeatResponse(lease=self.lease)

    async def Deregister(
        self, request: registry_pb2.DeregisterRequest, context: Any
    ) -> registry_pb2.DeregisterResponse:
        self.messages.append(_message("Deregister", None, context))
        self.deregistered.append(request.instance_id)
        return registry_pb2.DeregisterResponse()

    async def _hear(
        self,
        requests: AsyncIterator[registry_pb2.SessionRequest],
        notices: asyncio.Queue[registry_pb2.SessionResponse | None],
        context: Any,
    ) -> None:
        async for request in requests:
            if request.HasField("beat"):
                self.beats += 1
                continue
            refusal = self._record("Session", request.registration, context)
            if self.mute:
                continue
            refused = registry_pb2.SessionResponse(refusal=refusal)
            accepted = registry_pb2.SessionResponse(lease=self.lease)
            notices.put_nowait(refused if refusal is not None else accepted)
        self.ended += 1
        notices.put_nowait(None)

    def _record(self, rpc: str, registration: registry_pb2.Registration, context: Any) -> registry_pb2.Refusal | None:
        """Records a registration. Returns the refusal of it."""
        message = _message(rpc, registration, context)
        self.messages.append(message)
        self.registrations.append(registration)
        return self.refuse(message)

    async def ListPlugins(
        self, request: registry_pb2.ListPluginsRequest, context: Any
    ) -> registry_pb2.ListPluginsResponse:
        return registry_pb2.ListPluginsResponse()

    async def WatchPlugins(
        self, request: registry_pb2.WatchPluginsRequest, context: Any
    ) -> AsyncIterator[registry_pb2.WatchPluginsResponse]:
        yield registry_pb2.WatchPluginsResponse(synced=registry_pb2.Synced())


def _message(rpc: str, registration: registry_pb2.Registration | None, context: Any) -> Message:
    metadata = dict(context.invocation_metadata())
    authorization = metadata.get("authorization")
    names = list(context.auth_context().get("x509_common_name") or ())
    return Message(
        rpc=rpc,
        token=None if authorization is None else authorization.removeprefix("Bearer "),
        secret=metadata.get("kplug-secret"),
        registration=registration,
        client=names[0].decode() if names else None,
    )
