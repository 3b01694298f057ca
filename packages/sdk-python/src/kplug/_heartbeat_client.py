"""Making a plugin known to its controller, and keeping it known."""

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

_Ending = Literal["broken", "refused", "unsupported", "stopped"]
"""How a session, or a time of unary beats, ended."""

_Session = aio.StreamStreamCall[registry_pb2.SessionRequest, registry_pb2.SessionResponse]

_LONGEST_WAIT = 5.0
"""The longest wait between two tries to reach a controller, in seconds. Well below the default lease of 15 s."""

_REFUSED_WAIT = 20.0
"""The longest wait before a refused registration is tried again, and twice the shortest: the controller's configuration
may change, but not soon."""

_CHANNEL_OPTIONS = [
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    # Otherwise a new channel would share the connection, and the address, of the one that broke.
    ("grpc.use_local_subchannel_pool", 1),
]


class HeartbeatClient:
    """A session that beats, made anew when it breaks; or unary beats where the controller has no sessions.

    A new channel is made for each try, so that the controller's name is resolved anew.
    """

    def __init__(
        self,
        controller: str,
        registration: registry_pb2.Registration,
        log: logging.Logger,
        on_drain: Callable[[], None],
        token: str | None = None,
    ) -> None:
        """`on_drain` is called when the controller wishes the plugin to drain; `token` proves who beats."""
        self._controller = controller
        self._registration = registration
        self._log = log
        self._on_drain = on_drain
        self._metadata = None if token is None else (("authorization", f"Bearer {token}"),)
        self._stopped = asyncio.Event()
        self._stub: registry_pb2_grpc.RegistryServiceAsyncStub | None = None
        self._deregistering: asyncio.Task[None] | None = None
        self._registered = False
        self._complained = False
        self._running: asyncio.Task[None] | None = None

    @property
    def registered(self) -> bool:
        """Whether a controller has accepted the registration and is still connected."""
        return self._registered

    def start(self) -> None:
        """Begins to beat."""
        self._running = asyncio.create_task(self._run())
        self._running.add_done_callback(self._on_end)

    async def deregister(self) -> None:
        """Tells the controller that the plugin is about to stop, so that it gets no new calls. The session goes on."""
        if self._stub is not None:
            self._deregistering = asyncio.create_task(self._deregister(self._stub))
            await self._deregistering

    async def stop(self) -> None:
        """Beats no more, and ends the session."""
        self._stopped.set()
        if self._running is None:
            return
        # The controller ends a session that the plugin has ended; one that is stuck isn't waited for.
        await asyncio.wait({self._running}, timeout=1)
        self._running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._running

    def _on_end(self, running: asyncio.Task[None]) -> None:
        """A plugin that nobody can know of any more has to stop; `stop` then raises what went wrong."""
        if not running.cancelled() and running.exception() is not None:
            self._log.critical("beating ended with an unexpected error", exc_info=running.exception())
            self._on_drain()

    async def _deregister(self, stub: registry_pb2_grpc.RegistryServiceAsyncStub) -> None:
        # A registration may be on its way and not answered yet, so the controller is told whether it answered or not.
        level = logging.WARNING if self._registered else logging.DEBUG
        request = registry_pb2.DeregisterRequest(instance_id=self._registration.instance_id)
        try:
            await stub.Deregister(request, timeout=2, metadata=self._metadata)
        except aio.AioRpcError as error:
            details = error.details()
            self._log.log(
                level, "the controller could not be told that the plugin stops (%s); its lease will end", details
            )

    async def _run(self) -> None:
        failures = 0
        by_session = True
        while not self._stopped.is_set():
            async with aio.insecure_channel(self._controller, _CHANNEL_OPTIONS) as channel:
                self._stub = registry_pb2_grpc.RegistryServiceStub(channel)
                ending = await (self._keep_session(self._stub) if by_session else self._keep_beating(self._stub))
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
                self._log.info("the controller keeps no sessions; beating by single calls")
                continue
            # A controller that comes back may be another one, with sessions.
            by_session = True
            await self._pause(
                _REFUSED_WAIT if ending == "refused" else min(_LONGEST_WAIT, 0.05 * 2 ** min(failures, 10))
            )

    async def _keep_session(self, stub: registry_pb2_grpc.RegistryServiceAsyncStub) -> _Ending:
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
            # The session ended just as it was written to.
            return "broken"
        else:
            return "stopped"
        finally:
            stopping.cancel()
            if reading is not None:
                reading.cancel()

    async def _keep_beating(self, stub: registry_pb2_grpc.RegistryServiceAsyncStub) -> _Ending:
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
        """Returns the interval to beat at, in seconds."""
        if not self._registered:
            registration = self._registration
            who = f"{registration.plugin} {registration.version} at {registration.address}"
            self._log.info("registered %s with %s", who, self._controller)
        self._registered = True
        self._complained = False
        if lease.drain:
            self._log.info("the controller asks the plugin to drain")
            self._on_drain()
        if not lease.HasField("interval"):
            return _LONGEST_WAIT
        return max(0.01, lease.interval.ToTimedelta() / timedelta(seconds=1))

    def _on_refusal(self, refusal: registry_pb2.Refusal) -> _Ending:
        self._log.error("%s refuses the registration: %s", self._controller, refusal.message)
        return "refused"

    def _on_error(self, error: aio.AioRpcError) -> _Ending:
        if error.code() == grpc.StatusCode.UNIMPLEMENTED:
            return "unsupported"
        # One line for each time that it is away, not for each try.
        level = logging.DEBUG if self._complained else logging.WARNING
        self._complained = True
        details = error.details()
        self._log.log(
            level, "the controller can't be reached at %s (%s); trying until it can", self._controller, details
        )
        return "broken"

    async def _pause(self, seconds: float) -> None:
        """Waits, but not longer than until it is stopped; with jitter, so that a restarted controller isn't stormed."""
        jitter = random.uniform(0.5, 1)  # noqa: S311
        try:
            await asyncio.wait_for(self._stopped.wait(), seconds * jitter)
        except asyncio.TimeoutError:
            return


async def _end(session: _Session, reading: asyncio.Task[registry_pb2.SessionResponse | None] | None) -> None:
    """Ends a session, and waits until the controller has ended it too."""
    await session.done_writing()
    while await (reading or _read(session)):
        reading = None


async def _read(session: _Session) -> registry_pb2.SessionResponse | None:
    """What the controller says next; `None` when it has ended the session."""
    response = await session.read()
    return response if isinstance(response, registry_pb2.SessionResponse) else None
