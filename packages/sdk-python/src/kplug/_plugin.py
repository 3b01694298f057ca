"""Defining a plugin."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar, overload

from typing_extensions import Unpack

from kplug._api import Api, check_identity, read_apis
from kplug._call import Call, FinalizeCall
from kplug._definition import Definition, Function, Hook, Models
from kplug._errors import InvalidDefinition
from kplug._logs import configure_logging, plugin_logger
from kplug._models import model_of
from kplug._resource import Json
from kplug._result import FinalizeResult, Result
from kplug._running import RunningPlugin
from kplug._settings import ServeOptions, read_settings

_S = TypeVar("_S")

_Done = TypeVar("_Done", bound=Result | Awaitable[Result | None] | None)
_Undone = TypeVar("_Undone", bound=FinalizeResult | Awaitable[FinalizeResult | None] | None)
_H = TypeVar("_H", bound=Hook)


class Plugin(Generic[_S]):
    """A plugin: what it is, and the functions that do its work.

        plugin = Plugin("PostgreSQL", version="1.2.0", api="DatabaseTable@1.0.0", spec=TableSpec)

        @plugin.reconcile
        def reconcile(call: Call[TableSpec]) -> Result: ...

        plugin.run()

    A function may be `async`; any other runs in a thread.
    """

    @overload
    def __init__(
        self: Plugin[Json],
        name: str,
        *,
        version: str,
        api: str | Api | Sequence[str | Api],
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
        api: str | Api | Sequence[str | Api],
        spec: type[_S],
        extensions: Mapping[str, type[Any] | None] | None = None,
        threads: int = 32,
    ) -> None: ...
    def __init__(
        self,
        name: str,
        *,
        version: str,
        api: str | Api | Sequence[str | Api],
        spec: type[Any] | None = None,
        extensions: Mapping[str, type[Any] | None] | None = None,
        threads: int = 32,
    ) -> None:
        """Raises `InvalidDefinition`.

        Args:
            name: The name that users write in `preferredImplementation`: letters, digits, `.`, `_` and `-`, at most 63.
            version: The plugin's own version, in semantic versioning.
            api: The plugin API that it implements, as `Name@1.0.0` or an `Api`; several in a list.
            spec: The model of the base's spec: a dataclass, a `TypedDict`, a msgspec `Struct` or a pydantic model. A
                resource that doesn't fit never reaches `reconcile`: its user is told.
            extensions: The kinds of extensions that it understands, with the model of the spec of each, or `None`.
            threads: How many functions that aren't `async` run at once.

        """
        check_identity(name, version)
        types = {kind: type_ for kind, type_ in (extensions or {}).items() if type_ is not None}
        self.name = name
        self.version = version
        self._apis = read_apis(api, extensions or {})
        self._models = Models(
            base=None if spec is None else model_of(spec),
            extensions={kind: model_of(type_) for kind, type_ in types.items()},
            types=types,
        )
        self._threads = threads
        self._reconcile: Function | None = None
        self._finalize: Function | None = None
        self._on_start: list[Hook] = []
        self._on_stop: list[Hook] = []

    def reconcile(self, function: Callable[[Call[_S]], _Done]) -> Callable[[Call[_S]], _Done]:
        """Decorates the function that makes the world as the base resource and its extensions describe it.

        It is called with the whole state, any number of times, and must come to the same result each time. Raise
        `Retry` or `Terminal` to say what should happen next; any other exception is tried again with back-off.
        """
        self._reconcile = _once("reconcile", self._reconcile, function)
        return function

    def finalize(self, function: Callable[[FinalizeCall[_S]], _Undone]) -> Callable[[FinalizeCall[_S]], _Undone]:
        """Decorates the function that undoes what `reconcile` made. Without one there is nothing to undo.

        It may be called again after it succeeded.
        """
        self._finalize = _once("finalize", self._finalize, function)
        return function

    def on_start(self, hook: _H) -> _H:
        """Decorates a function to be called on the event loop before the plugin listens, to open connections."""
        self._on_start.append(hook)
        return hook

    def on_stop(self, hook: _H) -> _H:
        """Decorates a function to be called on the event loop after the last call has ended, to close connections."""
        self._on_stop.append(hook)
        return hook

    async def serve(self, **options: Unpack[ServeOptions]) -> RunningPlugin:
        """Listens, registers with the controller and keeps the registration alive, on the running event loop.

        Returns when it listens; the controller need not be there yet. Signals are left to the program. Raises
        `CannotServe` or `InvalidDefinition`.
        """
        if self._reconcile is None:
            raise InvalidDefinition(f"the plugin {self.name} has no function; decorate one with @plugin.reconcile")
        settings = read_settings(options, os.environ)
        definition = Definition(
            plugin=self.name,
            version=self.version,
            apis=self._apis,
            reconcile=self._reconcile,
            finalize=self._finalize,
            models=self._models,
            threads=self._threads,
            on_start=self._on_start,
            on_stop=self._on_stop,
        )
        running = RunningPlugin(definition, settings, plugin_logger(self.name))
        await running.start()
        return running

    def run(self, **options: Unpack[ServeOptions]) -> None:
        """Serves the plugin until SIGTERM or SIGINT, or until its controller asks it to drain.

        It then finishes the calls that it is at, and returns. Sets up logging, unless the program has. Raises as
        `serve`.
        """
        configure_logging(read_settings(options, os.environ).log_level)
        cut_off = asyncio.run(self._run(options))
        if cut_off > 0:
            # A thread can't be stopped, and Python waits for it before it exits.
            logging.shutdown()
            sys.stdout.flush()
            os._exit(0)

    async def _run(self, options: ServeOptions) -> int:
        """Returns how many calls are still under way, although they were cut off."""
        running = await self.serve(**options)
        loop = asyncio.get_running_loop()
        signals = (signal.SIGTERM, signal.SIGINT)

        # The first signal puts back what the second one does by default: end the process, as who asks again won't wait.
        def on_signal() -> None:
            for number in signals:
                with contextlib.suppress(NotImplementedError):
                    loop.remove_signal_handler(number)
            running.request_stop()

        for number in signals:
            _handle_signal(loop, number, on_signal)
        await running.wait_stopped()
        return running.under_way


def _handle_signal(loop: asyncio.AbstractEventLoop, number: int, handler: Callable[[], None]) -> None:
    try:
        loop.add_signal_handler(number, handler)
    except NotImplementedError:
        # Windows, where the event loop has no signals.
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(handler))


def _once(what: str, former: Function | None, function: Function) -> Function:
    if former is not None:
        raise InvalidDefinition(f"a plugin has one {what} function; {former!r} is it already")
    return function
