"""Registration with a controller, and heartbeats."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable
from datetime import timedelta
from typing import Literal

import grpc
from grpc import aio

from kplug.v1 import registry_pb2, registry_pb2_grpc

_EndReason = Literal["broken", "refused", "unsupported", "stopped"]
"""Reason why a session, or a series of unary heartbeats, ended."""

_Session = aio.StreamStreamCall[registry_pb2.SessionRequest, registry_pb2.SessionResponse]

_MAX_DELAY = 5.0
"""Longest delay between attempts to reach the controller, in seconds. Well below the default lease of 15 s."""

_DEFAULT_INTERVAL = 5.0
"""Interval between heartbeats if the controller grants none, in seconds."""

_REFUSED_DELAY = 20.0
"""Longest delay before a refused registration is retried, in seconds. The configuration of the controller may change,
but rarely does."""

_CHANNEL_OPTIONS = [
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    # Without this, a new channel would reuse the connection, and the resolved address, of the previous one.
    ("grpc.use_local_subchannel_pool", 1),
]


class HeartbeatClient:
    """Registers a plugin with its controller and keeps the registration alive.

    It sends heartbeats over a session, which it opens again when it breaks, or as unary calls if the controller has no
    sessions. Each attempt has a channel of its own, so that the name of the controller is resolved again.
    """

    def __init__(
        self,
        controller: str,
        registration: registry_pb2.Registration,
        log: logging.Logger,
        on_drain: Callable[[], None],
        token: str | None = None,
    ) -> None:
        """Creates a client.

        `on_drain` is called when the controller requests a drain. `token` authenticates the plugin to a controller
        that started it.
        """
        self._controller = controller
        self._registration = registration
        self._log = log
        self._on_drain = on_drain
        self._metadata = None if token is None else (("authorization", f"Bearer {token}"),)
        self._stopped = asyncio.Event()
        self._stub: registry_pb2_grpc.RegistryServiceAsyncStub | None = None
        self._deregistering: asyncio.Task[None] | None = None
        self._registered = False
        self._failure_logged = False
        self._running: asyncio.Task[None] | None = None

    @property
    def registered(self) -> bool:
        """Reports whether a controller has accepted the registration and is still connected."""
        return self._registered

    def start(self) -> None:
        """Starts to send heartbeats."""
        self._running = asyncio.create_task(self._run())
        self._running.add_done_callback(self._on_end)

    async def deregister(self) -> None:
        """Tells the controller that the plugin is about to stop, so that it gets no new calls. Heartbeats continue."""
        if self._stub is not None:
            self._deregistering = asyncio.create_task(self._deregister(self._stub))
            await self._deregistering

    async def stop(self) -> None:
        """Stops the heartbeats and closes the session."""
        self._stopped.set()
        if self._running is None:
            return
        # Waits until the controller has closed the session too, but not for one that hangs.
        await asyncio.wait({self._running}, timeout=1)
        self._running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._running

    def _on_end(self, running: asyncio.Task[None]) -> None:
        """Stops the plugin if heartbeats failed unexpectedly: no controller would call it. `stop` raises the error."""
        if not running.cancelled() and running.exception() is not None:
            self._log.critical("heartbeats ended with an unexpected error", exc_info=running.exception())
            self._on_drain()

    async def _deregister(self, stub: registry_pb2_grpc.RegistryServiceAsyncStub) -> None:
        # A registration may be in flight, so this is sent even if the controller has not answered yet.
        request = registry_pb2.DeregisterRequest(instance_id=self._registration.instance_id)
        try:
            await stub.Deregister(request, timeout=2, metadata=self._metadata)
        except aio.AioRpcError as error:
            # A controller that is gone, such as one that stops its plugins when it stops, needs no deregistration.
            gone = error.code() is grpc.StatusCode.UNAVAILABLE
            level = logging.WARNING if self._registered and not gone else logging.DEBUG
            self._log.log(level, "deregistration failed: %s; the lease will expire instead", error.details())

    async def _run(self) -> None:
        failures = 0
        by_session = True
        while not self._stopped.is_set():
            async with aio.insecure_channel(self._controller, _CHANNEL_OPTIONS) as channel:
                self._stub = registry_pb2_grpc.RegistryServiceStub(channel)
                ending = await (self._run_session(self._stub) if by_session else self._send_heartbeats(self._stub))
                failures = 0 if self._registered else failures + 1
                self._registered = False
                # Closing the channel ends its calls.
                self._stub = None
                if self._deregistering is not None:
                    await asyncio.wait({self._deregistering})
            if ending == "stopped":
                return
            if ending == "unsupported":
                by_session = False
                self._log.info("the controller has no sessions; sending heartbeats as unary calls")
                continue
            # After a reconnect it may be another controller, with sessions.
            by_session = True
            await self._pause(_REFUSED_DELAY if ending == "refused" else min(_MAX_DELAY, 0.05 * 2 ** min(failures, 10)))

    async def _run_session(self, stub: registry_pb2_grpc.RegistryServiceAsyncStub) -> _EndReason:
        session = stub.Session(metadata=self._metadata)
        stopping = asyncio.create_task(self._stopped.wait())
        reading: asyncio.Task[registry_pb2.SessionResponse | None] | None = None
        interval: float | None = None
        try:
            await session.write(registry_pb2.SessionRequest(registration=self._registration))
            while not self._stopped.is_set():
                reading = reading or asyncio.create_task(_read(session))
                await asyncio.wait({reading, stopping}, timeout=interval, return_when=asyncio.FIRST_COMPLETED)
                if not reading.done():
                    await session.write(registry_pb2.SessionRequest(beat=registry_pb2.Beat()))
                    continue
                response = reading.result()
                reading = None
                if response is None:
                    return "broken"
                if response.HasField("refusal"):
                    return self._on_refusal(response.refusal)
                if response.HasField("lease"):
                    interval = self._on_lease(response.lease)
            await _end(session, reading)
        except aio.AioRpcError as error:
            return self._on_error(error)
        except asyncio.InvalidStateError:
            # The session ended during a write.
            return "broken"
        else:
            return "stopped"
        finally:
            stopping.cancel()
            if reading is not None:
                reading.cancel()

    async def _send_heartbeats(self, stub: registry_pb2_grpc.RegistryServiceAsyncStub) -> _EndReason:
        while not self._stopped.is_set():
            try:
                request = registry_pb2.HeartbeatRequest(registration=self._registration)
                response = await stub.Heartbeat(request, timeout=3, metadata=self._metadata)
            except aio.AioRpcError as error:
                self._on_error(error)
                return "broken"
            if not response.HasField("lease"):
                return self._on_refusal(response.refusal)
            await self._pause(self._on_lease(response.lease))
        return "stopped"

    def _on_lease(self, lease: registry_pb2.Lease) -> float:
        """Returns the interval between heartbeats, in seconds."""
        if not self._registered:
            registration = self._registration
            who = f"{registration.plugin} {registration.version} at {registration.address}"
            self._log.info("registered %s with %s", who, self._controller)
        self._registered = True
        self._failure_logged = False
        if lease.drain:
            self._log.info("the controller requested a drain")
            self._on_drain()
        if not lease.HasField("interval"):
            return _DEFAULT_INTERVAL
        return max(0.01, lease.interval.ToTimedelta() / timedelta(seconds=1))

    def _on_refusal(self, refusal: registry_pb2.Refusal) -> _EndReason:
        self._log.error("%s refused the registration: %s", self._controller, refusal.message)
        return "refused"

    def _on_error(self, error: aio.AioRpcError) -> _EndReason:
        if error.code() == grpc.StatusCode.UNIMPLEMENTED:
            return "unsupported"
        # One warning per outage, not per attempt. None from a plugin whose controller started it, and stops it when it
        # stops.
        hosted = self._metadata is not None
        level = logging.DEBUG if self._failure_logged or hosted else logging.WARNING
        self._failure_logged = True
        self._log.log(level, "heartbeat to %s failed: %s; retrying", self._controller, error.details())
        return "broken"

    async def _pause(self, seconds: float) -> None:
        """Waits with jitter, which spreads the load on a restarted controller, or until the client is stopped."""
        jitter = random.uniform(0.5, 1)  # noqa: S311
        try:
            await asyncio.wait_for(self._stopped.wait(), seconds * jitter)
        except asyncio.TimeoutError:
            return


async def _end(session: _Session, reading: asyncio.Task[registry_pb2.SessionResponse | None] | None) -> None:
    """Closes a session, and waits until the controller has closed it too."""
    await session.done_writing()
    while await (reading or _read(session)):
        reading = None


async def _read(session: _Session) -> registry_pb2.SessionResponse | None:
    """Reads the next message of the controller; `None` if it has closed the session."""
    response = await session.read()
    return response if isinstance(response, registry_pb2.SessionResponse) else None
