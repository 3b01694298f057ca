"""One session of a plugin with its controller."""

from __future__ import annotations

import asyncio
from typing import Literal, Protocol

from grpc import aio

from kplug._security._credentials import Credentials
from kplug.v1 import registry_pb2, registry_pb2_grpc

EndReason = Literal["broken", "refused", "unsupported", "stopped"]
"""Reason why a session, or a series of unary heartbeats, ended."""

_Session = aio.StreamStreamCall[registry_pb2.SessionRequest, registry_pb2.SessionResponse]

_CLOSE_TIMEOUT = 1.0
"""Time that the controller has to close its side of a session, in seconds."""

_ANSWER_TIMEOUT = 10.0
"""Time that the controller has to answer the registration of a session, the connection included, in seconds."""

_CHANNEL_OPTIONS = (
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    # Without this, a new channel would reuse the connection, and the resolved address, of the previous one.
    ("grpc.use_local_subchannel_pool", 1),
)


class Connection:
    """Channel to the controller, with its credentials. An asynchronous context manager, which closes the channel."""

    def __init__(self, controller: str, credentials: Credentials) -> None:
        options = [*_CHANNEL_OPTIONS, *credentials.options]
        self.credentials = credentials
        self._channel = (
            aio.insecure_channel(controller, options)
            if credentials.channel is None
            else aio.secure_channel(controller, credentials.channel, options)
        )
        self.stub: registry_pb2_grpc.RegistryServiceAsyncStub = registry_pb2_grpc.RegistryServiceStub(self._channel)
        self._deregistering: asyncio.Task[registry_pb2.DeregisterResponse] | None = None

    async def deregister(self, instance_id: str) -> None:
        """Deregisters an instance. Raises `AioRpcError`."""
        self._deregistering = asyncio.create_task(self._deregister(instance_id))
        await self._deregistering

    async def _deregister(self, instance_id: str) -> registry_pb2.DeregisterResponse:
        request = registry_pb2.DeregisterRequest(instance_id=instance_id)
        return await self.stub.Deregister(request, timeout=2, metadata=self.credentials.metadata)

    async def __aenter__(self) -> Connection:
        return self

    async def __aexit__(self, *_: object) -> None:
        # Closing the channel ends its calls.
        if self._deregistering is not None:
            await asyncio.wait({self._deregistering})
        await self._channel.close()


class Observer(Protocol):
    """Receives what happens in a session."""

    def on_lease(self, lease: registry_pb2.Lease) -> float:
        """Returns the interval between heartbeats, in seconds."""

    def on_refusal(self, refusal: registry_pb2.Refusal, consequence: str) -> EndReason:
        """Returns the reason why the session ends."""

    def on_error(self, error: aio.AioRpcError, consequence: str) -> EndReason:
        """Returns the reason why the session ends."""

    def on_no_answer(self, timeout: float, consequence: str) -> None:
        """The controller did not answer the registration in time. The session ends as broken."""


class HeartbeatSession:
    """Session with a controller: registers the instance, and sends heartbeats until it ends.

    It then closes its connection.
    """

    def __init__(
        self,
        connection: Connection,
        registration: registry_pb2.Registration,
        observer: Observer,
        consequence: str = "retrying",
    ) -> None:
        """`consequence` of a failure is for the log."""
        self.connection = connection
        self._registration = registration
        self._observer = observer
        self._consequence = consequence
        self._closing = asyncio.Event()
        self._accepted = asyncio.Event()
        self._gave_up = False
        self.ended: asyncio.Task[EndReason] = asyncio.create_task(self._run())
        """Ends with the session."""

    async def is_accepted(self) -> bool:
        """Waits until the controller accepts the session. Returns `False` if it ends before."""
        accepting = asyncio.create_task(self._accepted.wait())
        await asyncio.wait({accepting, self.ended}, return_when=asyncio.FIRST_COMPLETED)
        accepting.cancel()
        return self._accepted.is_set() and not self.ended.done()

    def close(self) -> None:
        """Ends the session, without waiting for it. The controller no longer expects its heartbeats."""
        self._closing.set()

    async def _run(self) -> EndReason:
        async with self.connection:
            session = self.connection.stub.Session(metadata=self.connection.credentials.metadata)
            # Neither a lost connection attempt nor a server that hangs is an error of the stream.
            unanswered = asyncio.get_running_loop().call_later(_ANSWER_TIMEOUT, self._give_up, session)
            try:
                return await self._keep(session, unanswered)
            except aio.AioRpcError as error:
                return self._broken(error)
            except asyncio.InvalidStateError:
                # The session ended during a write.
                return self._broken()
            except asyncio.CancelledError:
                # The cancellation of the stream, and not that of this task.
                if not self._gave_up:
                    raise
                return self._broken()
            finally:
                unanswered.cancel()

    def _give_up(self, session: _Session) -> None:
        self._gave_up = True
        session.cancel()

    def _broken(self, error: aio.AioRpcError | None = None) -> EndReason:
        if self._closing.is_set():
            return "stopped"
        if self._gave_up:
            self._observer.on_no_answer(_ANSWER_TIMEOUT, self._consequence)
        elif error is not None:
            return self._observer.on_error(error, self._consequence)
        return "broken"

    async def _keep(self, session: _Session, unanswered: asyncio.TimerHandle) -> EndReason:
        closing = asyncio.create_task(self._closing.wait())
        reading: asyncio.Task[registry_pb2.SessionResponse | None] | None = None
        interval: float | None = None
        try:
            await session.write(registry_pb2.SessionRequest(registration=self._registration))
            while not self._closing.is_set():
                reading = reading or asyncio.create_task(_read(session))
                await asyncio.wait({reading, closing}, timeout=interval, return_when=asyncio.FIRST_COMPLETED)
                if not reading.done():
                    await session.write(registry_pb2.SessionRequest(beat=registry_pb2.Beat()))
                    continue
                response = reading.result()
                reading = None
                unanswered.cancel()
                if response is None:
                    return self._broken()
                if response.HasField("refusal"):
                    return self._observer.on_refusal(response.refusal, self._consequence)
                if response.HasField("lease"):
                    interval = self._observer.on_lease(response.lease)
                    self._accepted.set()
            await _end(session, reading)
            return "stopped"
        finally:
            closing.cancel()
            if reading is not None:
                reading.cancel()


async def _end(session: _Session, reading: asyncio.Task[registry_pb2.SessionResponse | None] | None) -> None:
    """Closes a session, and waits until the controller has closed it too, but not for one that hangs."""

    async def drain() -> None:
        response = await reading if reading is not None else await _read(session)
        while response is not None:
            response = await _read(session)

    await session.done_writing()
    try:
        await asyncio.wait_for(drain(), _CLOSE_TIMEOUT)
    except asyncio.TimeoutError:
        return


async def _read(session: _Session) -> registry_pb2.SessionResponse | None:
    """Reads the next message of the controller; `None` if it has closed the session."""
    response = await session.read()
    return response if isinstance(response, registry_pb2.SessionResponse) else None
