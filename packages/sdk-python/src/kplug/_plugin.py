"""Definition of a plugin by its author."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, overload

from typing_extensions import Unpack

from kplug._api import Api, check_identity
from kplug._definition import Definition, Hook, Implementation
from kplug._describe import write_description
from kplug._errors import InvalidDefinition
from kplug._implementation import ApiImplementation
from kplug._logs import configure_logging, plugin_logger
from kplug._resource import Json
from kplug._running import RunningPlugin
from kplug._settings import ServeOptions, read_settings

_S = TypeVar("_S")
_T = TypeVar("_T")

_H = TypeVar("_H", bound=Hook)


class Plugin(ApiImplementation[_S]):
    """Plugin: its identity, and the functions that do its work.

        plugin = Plugin("PostgreSQL", version="1.2.0", api="DatabaseTable@1.0.0", spec=TableSpec)

        @plugin.reconcile
        def reconcile(call: Call[TableSpec]) -> Result: ...

        plugin.run()

    An `async` function runs on the event loop, any other in a thread.
    """

    @overload
    def __init__(
        self: Plugin[Json],
        name: str,
        *,
        version: str,
        api: str | Api | Sequence[str | Api] | None = None,
        spec: None = None,
        extensions: Mapping[str, type[Any] | None] | None = None,
        threads: int = 32,
    ) -> None: ...
    @overload
    def __init__(
        self,
        name: str,
        *,
        version: str,
        api: str | Api | Sequence[str | Api] | None = None,
        spec: type[_S],
        extensions: Mapping[str, type[Any] | None] | None = None,
        threads: int = 32,
    ) -> None: ...
    def __init__(
        self,
        name: str,
        *,
        version: str,
        api: str | Api | Sequence[str | Api] | None = None,
        spec: type[Any] | None = None,
        extensions: Mapping[str, type[Any] | None] | None = None,
        threads: int = 32,
    ) -> None:
        """Raises `InvalidDefinition`.

        Args:
            name: Name that users write in `preferredImplementation`: letters, digits, `.`, `_` and `-`, at most 63.
            version: Version of the plugin, in semantic versioning.
            api: Plugin API that it implements, as `Name@1.0.0` or an `Api`; a list for several that it treats alike.
                Others are implemented by `implement_api`.
            spec: Model of the spec of the base: a dataclass, a `TypedDict`, a msgspec `Struct` or a pydantic model. An
                invalid resource is not passed to `reconcile`; its status describes the error.
            extensions: Kinds of extensions that it understands, with the model of the spec of each, or `None`.
            threads: Maximum number of concurrent calls of functions that aren't `async`. Default 32.

        """
        check_identity(name, version)
        super().__init__(api, spec, extensions)
        self.name = name
        self.version = version
        self._threads = threads
        self._others: list[ApiImplementation[Any]] = []
        self._unserved: set[str] = set()
        self._running: weakref.WeakSet[RunningPlugin] = weakref.WeakSet()
        self._on_start: list[Hook] = []
        self._on_stop: list[Hook] = []

    @overload
    def implement_api(
        self, api: str | Api, *, spec: None = None, extensions: Mapping[str, type[Any] | None] | None = None
    ) -> ApiImplementation[Json]: ...
    @overload
    def implement_api(
        self, api: str | Api, *, spec: type[_T], extensions: Mapping[str, type[Any] | None] | None = None
    ) -> ApiImplementation[_T]: ...
    def implement_api(
        self, api: str | Api, *, spec: type[Any] | None = None, extensions: Mapping[str, type[Any] | None] | None = None
    ) -> ApiImplementation[Any]:
        """Adds an API with functions and models of its own. The result has the same decorators as a plugin.

        Raises `InvalidDefinition`.
        """
        implementation: ApiImplementation[Any] = ApiImplementation(api, spec, extensions)
        self._others.append(implementation)
        return implementation

    def set_serving(self, api: str, serving: bool) -> None:
        """Sets whether an API can be served now, for example while a backend that it needs is unreachable. Thread-safe.

        An API that isn't served gets no calls; other APIs of the plugin do. Raises `InvalidDefinition` if the plugin
        doesn't implement the API.
        """
        known = [one.name for part in [self, *self._others] for one in part.apis]
        if api not in known:
            raise InvalidDefinition(f'the plugin doesn\'t implement the API "{api}"; it implements {", ".join(known)}')
        if serving:
            self._unserved.discard(api)
        else:
            self._unserved.add(api)
        for running in list(self._running):
            running.set_serving(api, serving)

    def on_start(self, hook: _H) -> _H:
        """Decorates a function to call on the event loop before the plugin listens, to open connections."""
        self._on_start.append(hook)
        return hook

    def on_stop(self, hook: _H) -> _H:
        """Decorates a function to call on the event loop after the last call has ended, to close connections."""
        self._on_stop.append(hook)
        return hook

    async def serve(self, **options: Unpack[ServeOptions]) -> RunningPlugin:
        """Listens, registers with the controller and keeps the registration alive, on the running event loop.

        Returns as soon as the plugin listens; the controller may start later. The program handles signals itself.
        Raises `CannotServe` or `InvalidDefinition`. If `KPLUG_DESCRIBE` has the path of a file, writes the schemas of
        the plugin there for `kplug crd`, and exits.
        """
        if description := os.environ.get("KPLUG_DESCRIBE"):
            write_description(description, self.definition())
            raise SystemExit(0)
        settings = read_settings(options, os.environ)
        running = RunningPlugin(self.definition(), settings, plugin_logger(self.name))
        for api in self._unserved:
            running.set_serving(api, False)
        self._running.add(running)
        await running.start()
        return running

    def definition(self) -> Definition:
        """Returns the whole definition. Called by `serve` and by tests. Raises `InvalidDefinition`."""
        return Definition(
            plugin=self.name,
            version=self.version,
            implementations=self._implementations(),
            threads=self._threads,
            on_start=self._on_start,
            on_stop=self._on_stop,
        )

    def _implementations(self) -> list[Implementation]:
        parts = [part for part in [self, *self._others] if part.apis]
        if not parts:
            raise InvalidDefinition(f"the plugin {self.name} implements no API; give one, or call implement_api")
        implementations = [part.define(f"the plugin {self.name}") for part in parts]
        names = [f"{api.name}@{api.version}" for one in implementations for api in one.apis]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise InvalidDefinition(f"the plugin {self.name} implements the API {twice} twice; implement it once")
        return implementations

    def run(self, **options: Unpack[ServeOptions]) -> None:
        """Serves the plugin until SIGTERM or SIGINT, or until its controller requests a drain.

        It then finishes in-flight calls, and returns. Configures logging, unless the program has. Raises the same
        exceptions as `serve`.
        """
        configure_logging(read_settings(options, os.environ).log_level)
        unfinished = asyncio.run(self._run(options))
        if unfinished > 0:
            # A thread can't be stopped, and a normal exit would wait for it.
            logging.shutdown()
            sys.stdout.flush()
            os._exit(0)

    async def _run(self, options: ServeOptions) -> int:
        """Returns the number of cancelled calls that still run."""
        running = await self.serve(**options)
        loop = asyncio.get_running_loop()
        signals = (signal.SIGTERM, signal.SIGINT)

        # A second signal terminates the process immediately, by the default handler.
        def on_signal() -> None:
            for number in signals:
                with contextlib.suppress(NotImplementedError):
                    loop.remove_signal_handler(number)
            running.request_stop()

        for number in signals:
            _handle_signal(loop, number, on_signal)
        await running.wait_stopped()
        return running.in_flight


def _handle_signal(loop: asyncio.AbstractEventLoop, number: int, handler: Callable[[], None]) -> None:
    try:
        loop.add_signal_handler(number, handler)
    except NotImplementedError:
        # Event loops on Windows don't support signal handlers.
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(handler))
