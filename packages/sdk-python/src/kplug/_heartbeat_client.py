"""Registration with a controller, and heartbeats."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

import grpc
from grpc import aio

from kplug._heartbeat_session import Connection, EndReason, HeartbeatSession
from kplug._security._credentials import Credentials, CredentialSource
from kplug._security._limits import POLL_INTERVAL
from kplug._security._tls_advice import advice_on, cause_in
from kplug.v1 import registry_pb2

_MAX_DELAY = 5.0
"""Longest delay between attempts to reach the controller, in seconds. Well below the default lease of 15 s."""

_DEFAULT_INTERVAL = 5.0
"""Interval between heartbeats if the controller grants none, in seconds."""

_REFUSED_DELAY = 20.0
"""Longest delay before a refused registration is retried, in seconds. The configuration of the controller may change,
but rarely does."""

_MAX_LOGGED = 100
"""Maximum number of failures and refusals that are remembered, so that each is logged once."""


_RESET = re.compile(r"RST_STREAM with (error )?code [08]\b|^(Stream removed|Socket closed)\b")
"""Texts of gRPC for a stream that the server reset without a status, as one that shuts down does."""


@dataclass(frozen=True)
class Target:
    """Controller to register with."""

    controller: str
    """Address as `host:port`."""
    credentials: CredentialSource
    server_name: str = ""
    """Name expected in the controller's certificate; empty for plain text."""
    hosted: bool = False
    """True for a plugin that the controller started, and stops when it stops."""


class HeartbeatClient:
    """Registers a plugin with its controller and keeps the registration alive.

    It sends heartbeats over a session, which it opens again when it breaks, or as unary calls if the controller has no
    sessions. Each attempt has a channel of its own, so that the name of the controller is resolved again. When a token
    or certificate changes, a session with the new one replaces the session after it was accepted, so that the
    controller never misses the plugin.
    """

    def __init__(
        self,
        target: Target,
        registration: registry_pb2.Registration,
        log: logging.Logger,
        on_drain: Callable[[], None],
    ) -> None:
        """Creates a client. `on_drain` is called when the controller requests a drain."""
        self._target = target
        self._registration = registration
        self._log = log
        self._on_drain = on_drain
        self._stopped = asyncio.Event()
        # Connection of the session or of the unary heartbeats.
        self._connection: Connection | None = None
        self._sessions: set[HeartbeatSession] = set()
        self._registered = False
        # Failures and refusals that were logged since the last lease.
        self._logged: set[str] = set()
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
        # A registration may be in flight, so this is sent even if the controller has not answered yet.
        if self._connection is None:
            return
        try:
            await self._connection.deregister(self._registration.instance_id)
        except aio.AioRpcError as error:
            # A controller that is gone, such as one that stops its plugins when it stops, needs no deregistration.
            gone = error.code() is grpc.StatusCode.UNAVAILABLE
            level = logging.WARNING if self._registered and not gone else logging.DEBUG
            self._log.log(level, "deregistration failed: %s; the lease will expire instead", error.details())

    async def stop(self) -> None:
        """Stops the heartbeats and closes the session."""
        self._stopped.set()
        if self._running is None:
            return
        for session in self._sessions:
            session.close()
        # A session waits for the controller only for a limited time. A unary heartbeat may hang.
        await asyncio.wait({self._running, *(session.ended for session in self._sessions)}, timeout=2)
        for task in (self._running, *(session.ended for session in self._sessions)):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    # Events of a session.

    def on_lease(self, lease: registry_pb2.Lease) -> float:
        """Returns the interval between heartbeats, in seconds."""
        if not self._registered:
            registration = self._registration
            who = f"{registration.plugin} {registration.version} at {registration.address}"
            self._log.info("registered %s with %s", who, self._target.controller)
        self._registered = True
        self._logged.clear()
        if lease.drain:
            self._log.info("the controller requested a drain")
            self._on_drain()
        if not lease.HasField("interval"):
            return _DEFAULT_INTERVAL
        return max(0.01, lease.interval.ToTimedelta() / timedelta(seconds=1))

    def on_refusal(self, refusal: registry_pb2.Refusal, consequence: str) -> EndReason:
        """Logs a refusal."""
        message = f"{self._target.controller} refused the registration: {refusal.message}; {consequence}"
        self._log_once(logging.ERROR, message)
        return "refused"

    def on_error(self, error: aio.AioRpcError, consequence: str) -> EndReason:
        """Logs an error, with advice."""
        if self._stopped.is_set():
            return "stopped"
        if error.code() == grpc.StatusCode.UNIMPLEMENTED:
            return "unsupported"
        details = error.details() or error.code().name
        advice = advice_on(details, self._target.server_name)
        reason = f"{cause_in(details)}; {advice}" if advice else _reason_in(details)
        self._log_failure(f"{reason}; {consequence}", advice or "failure")
        return "broken"

    def on_no_answer(self, timeout: float, consequence: str) -> None:
        """Logs that the controller did not answer the registration."""
        if not self._stopped.is_set():
            self._log_failure(f"no answer within {timeout:g} s; {consequence}")

    def _log_failure(self, reason: str, kind: str = "failure") -> None:
        """Logs one warning per outage, not per attempt."""
        message = f"heartbeat to {self._target.controller} failed: {reason}"
        if self._target.hosted:
            # A plugin whose controller started it is stopped with the controller.
            self._log.debug("%s", message)
        else:
            self._log_once(logging.WARNING, message, kind)

    def _log_once(self, level: int, message: str, kind: str | None = None) -> None:
        """Logs a message of a kind, and its repetitions before the next lease for debugging only."""
        kind = kind or message
        self._log.log(logging.DEBUG if kind in self._logged else level, "%s", message)
        if len(self._logged) >= _MAX_LOGGED:
            self._logged.clear()
        self._logged.add(kind)

    def _on_end(self, running: asyncio.Task[None]) -> None:
        """Stops the plugin if heartbeats failed unexpectedly: no controller would call it. `stop` raises the error."""
        if not running.cancelled() and running.exception() is not None:
            self._log.critical("heartbeats ended with an unexpected error", exc_info=running.exception())
            self._on_drain()

    async def _run(self) -> None:
        failures = 0
        by_session = True
        while not self._stopped.is_set():
            credentials = self._target.credentials.current()
            ending: EndReason | Literal["changed", "unready"] = "unready"
            if credentials is not None:
                ending = await (self._keep_session(credentials) if by_session else self._send_heartbeats(credentials))
            failures = 0 if self._registered else failures + 1
            self._registered = False
            self._connection = None
            if ending == "stopped":
                return
            if ending == "unsupported":
                by_session = False
                self._log.info("the controller has no sessions; sending heartbeats as unary calls")
                continue
            if ending == "changed":
                continue
            # After a reconnect it may be another controller, with sessions.
            by_session = True
            delay = _REFUSED_DELAY if ending == "refused" else min(_MAX_DELAY, 0.05 * 2 ** min(failures, 10))
            await self._pause_until_changed(credentials, _with_jitter(delay))

    async def _keep_session(self, credentials: Credentials) -> EndReason:
        """Keeps a session until it ends, and replaces it when the credentials change."""
        session = self._open_session(credentials)
        tried: Credentials | None = None
        not_before = 0.0
        loop = asyncio.get_running_loop()
        while True:
            self._connection = session.connection
            await asyncio.wait({session.ended}, timeout=POLL_INTERVAL)
            if session.ended.done():
                return session.ended.result()
            current = self._target.credentials.current()
            if current is None or current is session.connection.credentials or self._stopped.is_set():
                continue
            if current is tried and loop.time() < not_before:
                continue
            following = self._open_session(current, "the previous session continues")
            if await following.is_accepted():
                session.close()
                session = following
                self._log.info("token or certificate changed; replaced the session")
            else:
                following.close()
                tried, not_before = current, loop.time() + _with_jitter(_REFUSED_DELAY)

    def _open_session(self, credentials: Credentials, consequence: str = "retrying") -> HeartbeatSession:
        connection = Connection(self._target.controller, credentials)
        session = HeartbeatSession(connection, self._registration_with(credentials), self, consequence)
        self._sessions.add(session)
        session.ended.add_done_callback(lambda _: self._sessions.discard(session))
        return session

    async def _send_heartbeats(self, credentials: Credentials) -> EndReason | Literal["changed"]:
        registration = self._registration_with(credentials)
        async with Connection(self._target.controller, credentials) as connection:
            self._connection = connection
            while not self._stopped.is_set():
                if self._target.credentials.current() is not credentials:
                    return "changed"
                try:
                    request = registry_pb2.HeartbeatRequest(registration=registration)
                    response = await connection.stub.Heartbeat(request, timeout=3, metadata=credentials.metadata)
                except aio.AioRpcError as error:
                    self.on_error(error, "retrying")
                    return "broken"
                if not response.HasField("lease"):
                    return self.on_refusal(response.refusal, "retrying")
                await self._pause(_with_jitter(self.on_lease(response.lease)))
        return "stopped"

    def _registration_with(self, credentials: Credentials) -> registry_pb2.Registration:
        if not credentials.certificate:
            return self._registration
        registration = registry_pb2.Registration(certificate=credentials.certificate)
        registration.MergeFrom(self._registration)
        return registration

    async def _pause_until_changed(self, credentials: Credentials | None, delay: float) -> None:
        """Waits for a delay in seconds, but no longer than until the credentials change."""
        loop = asyncio.get_running_loop()
        end = loop.time() + delay
        while (rest := end - loop.time()) > 0 and not self._stopped.is_set():
            await self._pause(min(rest, POLL_INTERVAL))
            if self._target.credentials.current() is not credentials:
                return

    async def _pause(self, seconds: float) -> None:
        """Waits, or until the client is stopped."""
        try:
            await asyncio.wait_for(self._stopped.wait(), seconds)
        except asyncio.TimeoutError:
            return


def _reason_in(details: str) -> str:
    """Returns the reason why a session or a heartbeat failed, for people, given the text of gRPC."""
    return "the controller closed the session; it probably shut down" if _RESET.search(details) else details


def _with_jitter(seconds: float) -> float:
    """Returns a random delay up to the given one, which spreads the load on a restarted controller."""
    return seconds * random.uniform(0.5, 1)  # noqa: S311
