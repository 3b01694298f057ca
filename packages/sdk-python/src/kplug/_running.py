"""Plugin that is being served."""

from __future__ import annotations

import asyncio
import importlib.metadata
import logging
import platform
import re

from grpc import aio

from kplug._author import AuthorCalls, call_all
from kplug._definition import Definition
from kplug._durations import to_duration
from kplug._errors import CannotServe
from kplug._handlers import Handlers
from kplug._health import Health, add_reflection
from kplug._heartbeat_client import HeartbeatClient, Target
from kplug._security._caller import OnlyCaller
from kplug._security._credentials import CredentialSource
from kplug._security._limits import HANDSHAKE_TIMEOUT_MS
from kplug._security._settings import NO_CONTROLLER, PlainText
from kplug._security._tls_material import TlsMaterial
from kplug._security._token_source import TokenSource
from kplug._service import PluginService
from kplug._settings import Settings
from kplug._work import WorkStreams
from kplug.v1 import plugin_pb2, plugin_pb2_grpc, registry_pb2

_SERVICES = [service.full_name for service in plugin_pb2.DESCRIPTOR.services_by_name.values()]

_GRACE_PERIOD = 1.0
"""Longest time that connections stay open after the last call has ended, in seconds."""


class RunningPlugin:
    """Plugin that is being served. Created by `Plugin.serve`."""

    def __init__(self, definition: Definition, settings: Settings, log: logging.Logger) -> None:
        self._definition = definition
        self._settings = settings
        self._log = log
        self._registration = _registration(definition, settings)
        self._calls = AuthorCalls(definition.threads)
        handlers = Handlers(definition, self._calls, log, settings.max_answer_size)
        self._work = WorkStreams(handlers)
        self._service = PluginService(handlers, self._work, _info(self._registration))
        security = settings.security
        if isinstance(security, PlainText):
            self._material, server_name = None, ""
        else:
            self._material, server_name = TlsMaterial(security, settings.instance_id, log), security.server_name
        self._server = aio.server(
            interceptors=[] if self._material is None else [OnlyCaller(log)],
            options=[
                ("grpc.max_receive_message_length", settings.max_message_size),
                ("grpc.max_concurrent_streams", 1_000),
                ("grpc.max_connection_age_ms", 24 * 3_600_000),
                ("grpc.max_connection_age_grace_ms", 3_600_000),
                # With SO_REUSEPORT two plugins could listen on the same address, and share the calls.
                ("grpc.so_reuseport", 0),
                ("grpc.server_handshake_timeout_ms", HANDSHAKE_TIMEOUT_MS),
            ],
        )
        self._health = Health()
        self._sends_heartbeats = settings.controller != NO_CONTROLLER
        credentials = CredentialSource(
            TokenSource(settings.token, settings.token_file, log), self._material, server_name
        )
        target = Target(
            settings.controller, credentials, server_name, hosted=settings.token is not None and not server_name
        )
        self._heartbeat_client = HeartbeatClient(target, self._registration, log, self.request_stop)
        self._stopping: asyncio.Task[None] | None = None
        self._stop_requested = asyncio.Event()

    @property
    def address(self) -> str:
        """Address that the plugin registers, with its actual port."""
        return self._registration.address

    @property
    def instance_id(self) -> str:
        """Id of this process, different from that of any other."""
        return self._registration.instance_id

    @property
    def registered(self) -> bool:
        """Reports whether the plugin is registered with a controller now."""
        return self._heartbeat_client.registered

    @property
    def in_flight(self) -> int:
        """Number of in-flight calls."""
        return self._calls.in_flight

    async def start(self) -> None:
        """Listens and starts to send heartbeats. Called by `Plugin.serve`."""
        security = self._settings.security
        if isinstance(security, PlainText) and security.warning is not None:
            self._log.warning("%s", security.warning)
        await call_all(self._definition.on_start)
        try:
            port = await self._bind()
        except CannotServe:
            await self._close()
            raise
        self._registration.address = re.sub(r":0$", f":{port}", self._settings.address or ":0")
        plugin_pb2_grpc.add_PluginServiceServicer_to_server(self._service, self._server)
        await self._health.serve(self._server, [*_SERVICES, *(api.name for api in self._definition.apis)])
        add_reflection(self._server, _SERVICES)
        await self._server.start()
        if self._sends_heartbeats:
            self._heartbeat_client.start()
        else:
            self._log.info("listening on port %d; sending no heartbeats", port)

    def set_serving(self, api: str, serving: bool) -> None:
        """Sets whether an API can be served now, for this process. `Plugin.set_serving` sets it for all."""
        self._health.set_serving(api, serving)

    async def stop(self) -> None:
        """Stops gracefully: deregisters from the controller, waits for in-flight calls, and stops listening.

        Calls that take longer than the drain timeout are cancelled. Calling this again waits for the same stop.
        """
        self.request_stop()
        await self.wait_stopped()

    def request_stop(self) -> None:
        """Starts to stop, without waiting for it."""
        if self._stopping is None:
            self._stopping = asyncio.create_task(self._stop())
            self._stop_requested.set()

    async def wait_stopped(self) -> None:
        """Waits until the plugin has stopped, by `stop` or because its controller requested a drain."""
        await self._stop_requested.wait()
        if self._stopping is not None:
            await asyncio.shield(self._stopping)

    async def _stop(self) -> None:
        if self._sends_heartbeats:
            await self._heartbeat_client.deregister()
        if not await self._calls.drain(self._settings.drain_timeout):
            seconds = self._settings.drain_timeout
            text = "drain timeout of %g s exceeded; cancelling %d in-flight call(s)"
            self._log.warning(text, seconds, self._calls.in_flight)
        self._work.end()
        # Lets the last responses reach their callers, then closes open streams, such as health watches.
        await self._server.stop(_GRACE_PERIOD)
        if self._sends_heartbeats:
            await self._heartbeat_client.stop()
        await self._close()
        self._log.info("stopped")

    async def _close(self) -> None:
        self._calls.close()
        await call_all(reversed(self._definition.on_stop))

    async def _bind(self) -> int:
        wanted = self._settings.bind_address
        try:
            if self._material is None:
                return self._server.add_insecure_port(wanted)
            return self._server.add_secure_port(wanted, self._material.server_credentials())
        except RuntimeError as error:
            await self._server.stop(None)
            advice = "stop the process that listens there, or set KPLUG_BIND_ADDRESS"
            raise CannotServe(f"the plugin can't listen on {wanted}: {error}; {advice}") from error


def _info(registration: registry_pb2.Registration) -> plugin_pb2.GetInfoResponse:
    return plugin_pb2.GetInfoResponse(
        plugin=registration.plugin,
        version=registration.version,
        apis=registration.apis,
        instance_id=registration.instance_id,
        runtime=f"kplug/{importlib.metadata.version('kplug')} python/{platform.python_version()}",
        serves_work=True,
        serializes_calls=True,
    )


def _registration(definition: Definition, settings: Settings) -> registry_pb2.Registration:
    """Creates the registration. Its address is set when the port is known."""
    pod = settings.pod
    return registry_pb2.Registration(
        plugin=definition.plugin,
        version=definition.version,
        apis=definition.apis,
        instance_id=settings.instance_id,
        weight=settings.weight,
        labels=settings.labels,
        interval=to_duration(settings.interval),
        ttl=to_duration(settings.ttl),
        pod=None if pod is None else registry_pb2.PodReference(namespace=pod.namespace, name=pod.name),
    )
