"""Calls of a plugin in a test."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from types import TracebackType
from typing import Any, Generic, TypeVar

from typing_extensions import Self, Unpack

from kplug._author import AuthorCalls, call_all, is_async
from kplug._definition import Definition, Function, Implementation
from kplug._errors import InvalidInput
from kplug._handlers import Handlers
from kplug._logs import plugin_logger
from kplug._plugin import Plugin
from kplug.testing._answers import FinalizeAnswer, ReconcileAnswer, read_finalize_answer, read_reconcile_answer
from kplug.testing._inputs import BaseInput, CallInput, FinalizeInput
from kplug.testing._requests import finalize_request, reconcile_request
from kplug.v1 import plugin_pb2, registry_pb2

_S = TypeVar("_S")
_T = TypeVar("_T")


class PluginTester(Generic[_S]):
    """Plugin in a test, called in the process of the test as an operator calls it, but without a socket.

        tester = PluginTester(plugin)
        answer = tester.reconcile({"spec": Greeting(who="Ada")})
        answer.assert_outcome("Success")
        assert answer.status == {"greeted": "Ada"}

    Resources are encoded and validated by the models of the plugin, exceptions become outcomes, and answers are encoded
    and their size is limited. As a context manager, `async` or not, it calls the functions that `on_start` and
    `on_stop` decorate. Its calls then share one event loop; otherwise each call has its own.
    """

    def __init__(self, plugin: Plugin[_S], *, api: str | None = None, max_answer_size: int = 4 * 1024 * 1024) -> None:
        """Raises `InvalidInput`, and `InvalidDefinition` as `serve` does.

        Args:
            plugin: Plugin to call. It is not served.
            api: API to call, as `Name` or `Name@1.0.0`. Default: the only one, or the first one of a plugin that treats
                several alike.
            max_answer_size: Largest answer, in bytes. Default 4 MiB, as when the plugin is served.

        """
        self._definition = plugin.definition()
        self._api = _find_api(self._definition, api)
        self._max_answer_size = max_answer_size
        self._calls = AuthorCalls(self._definition.threads)
        self._log = plugin_logger(plugin.name)
        self._loop: asyncio.AbstractEventLoop | None = None

    def reconcile(self, base: BaseInput[_S] | None = None, **given: Unpack[CallInput]) -> ReconcileAnswer:
        """Calls `reconcile`. A failure of the plugin is an answer, too. Raises `InvalidInput`."""
        return self._run(self.reconcile_async(base, **given))

    def finalize(self, base: BaseInput[_S] | None = None, **given: Unpack[FinalizeInput]) -> FinalizeAnswer:
        """Calls `finalize`. A failure of the plugin is an answer, too. Raises `InvalidInput`."""
        return self._run(self.finalize_async(base, **given))

    async def reconcile_async(self, base: BaseInput[_S] | None = None, **given: Unpack[CallInput]) -> ReconcileAnswer:
        """Calls `reconcile` on the event loop of an `async` test, as `reconcile` does."""
        request, names = reconcile_request(self._api, {} if base is None else base, given)
        raised: list[BaseException] = []
        response = await self._handlers(raised).reconcile(_transfer(request, plugin_pb2.ReconcileRequest()))
        answer = _transfer(response, plugin_pb2.ReconcileResponse())
        return read_reconcile_answer(answer, names, next(iter(raised), None))

    async def finalize_async(self, base: BaseInput[_S] | None = None, **given: Unpack[FinalizeInput]) -> FinalizeAnswer:
        """Calls `finalize` on the event loop of an `async` test, as `finalize` does."""
        request, names = finalize_request(self._api, {} if base is None else base, given)
        raised: list[BaseException] = []
        response = await self._handlers(raised).finalize(_transfer(request, plugin_pb2.FinalizeRequest()))
        answer = _transfer(response, plugin_pb2.FinalizeResponse())
        return read_finalize_answer(answer, names, next(iter(raised), None))

    def __enter__(self) -> Self:
        """Calls the functions that `on_start` decorates."""
        _refuse_running_loop("write `async with`")
        self._loop = asyncio.new_event_loop()
        try:
            self._loop.run_until_complete(call_all(self._definition.on_start))
        except BaseException:
            self._close_loop()
            raise
        return self

    def __exit__(
        self, type_: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Calls the functions that `on_stop` decorates."""
        try:
            self._run(self.__aexit__(type_, value, trace))
        finally:
            self._close_loop()

    async def __aenter__(self) -> Self:
        """Calls the functions that `on_start` decorates."""
        await call_all(self._definition.on_start)
        return self

    async def __aexit__(
        self, type_: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Calls the functions that `on_stop` decorates."""
        self._calls.close()
        await call_all(reversed(self._definition.on_stop))

    def _run(self, call: Coroutine[Any, Any, _T]) -> _T:
        try:
            _refuse_running_loop("await reconcile_async or finalize_async")
        except InvalidInput:
            call.close()
            raise
        return asyncio.run(call) if self._loop is None else self._loop.run_until_complete(call)

    def _close_loop(self) -> None:
        if self._loop is None:
            return
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()
        self._loop = None

    def _handlers(self, raised: list[BaseException]) -> Handlers:
        """Returns the handlers of one call, which add what the plugin raises to a list."""
        implementations = [_recording(one, raised) for one in self._definition.implementations]
        definition = replace(self._definition, implementations=implementations)
        return Handlers(definition, self._calls, self._log, self._max_answer_size)


def _find_api(definition: Definition, wanted: str | None) -> registry_pb2.PluginApi:
    """Returns the API to call. Raises `InvalidInput` if there is none, or several and none is named."""
    apis = definition.apis
    names = ", ".join(f"{api.name}@{api.version}" for api in apis)
    if wanted is None:
        if len(definition.implementations) == 1:
            return apis[0]
        advice = f'PluginTester(plugin, api="{apis[0].name}")'
        raise InvalidInput(f"the plugin implements {names}; write which one to call, as in {advice}")
    for api in apis:
        if wanted in {api.name, f"{api.name}@{api.version}"}:
            return api
    raise InvalidInput(f'the plugin doesn\'t implement the API "{wanted}"; it implements {names}')


def _recording(implementation: Implementation, raised: list[BaseException]) -> Implementation:
    finalize = implementation.finalize
    return replace(
        implementation,
        reconcile=_recorded(implementation.reconcile, raised),
        finalize=None if finalize is None else _recorded(finalize, raised),
    )


def _recorded(function: Function, raised: list[BaseException]) -> Function:
    if is_async(function):

        async def call_async(call: Any) -> Any:
            try:
                return await function(call)
            except Exception as error:
                raised.append(error)
                raise

        return call_async

    def call_blocking(call: Any) -> Any:
        try:
            return function(call)
        except Exception as error:
            raised.append(error)
            raise

    return call_blocking


def _refuse_running_loop(advice: str) -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise InvalidInput(f"the test runs on an event loop; {advice}")


_M = TypeVar(
    "_M",
    plugin_pb2.ReconcileRequest,
    plugin_pb2.FinalizeRequest,
    plugin_pb2.ReconcileResponse,
    plugin_pb2.FinalizeResponse,
)


def _transfer(message: _M, received: _M) -> _M:
    """Encodes and decodes a message, as a transport does."""
    received.ParseFromString(message.SerializeToString())
    return received
