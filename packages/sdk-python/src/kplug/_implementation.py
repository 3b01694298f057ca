"""Implementation of a plugin API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from kplug._api import Api, read_apis
from kplug._call import Call, FinalizeCall
from kplug._definition import Function, Implementation, Models
from kplug._errors import InvalidDefinition
from kplug._models import model_of
from kplug._result import FinalizeResult, Result
from kplug.v1 import registry_pb2

_S = TypeVar("_S")

_Done = TypeVar("_Done", bound=Result | Awaitable[Result | None] | None)
_Undone = TypeVar("_Undone", bound=FinalizeResult | Awaitable[FinalizeResult | None] | None)


class ApiImplementation(Generic[_S]):
    """One API of a plugin, or several that it treats alike. Created by `Plugin.implement_api`."""

    def __init__(
        self,
        api: str | Api | Sequence[str | Api] | None,
        spec: type[Any] | None,
        extensions: Mapping[str, type[Any] | None] | None,
    ) -> None:
        """Raises `InvalidDefinition`. Without an API, no function is required."""
        types = {kind: type_ for kind, type_ in (extensions or {}).items() if type_ is not None}
        self._apis = [] if api is None else read_apis(api, extensions or {})
        self._models = Models(
            base=None if spec is None else model_of(spec),
            extensions={kind: model_of(type_) for kind, type_ in types.items()},
            base_type=spec,
            types=types,
        )
        self._reconcile: Function | None = None
        self._finalize: Function | None = None

    def reconcile(self, function: Callable[[Call[_S]], _Done]) -> Callable[[Call[_S]], _Done]:
        """Decorates the function that brings the actual state to the state that the base and its extensions describe.

        It is called with the whole state, any number of times, and must be idempotent. Raise `Retry` or `Terminal` to
        choose whether it is retried; any other exception is retried with exponential back-off.
        """
        self._reconcile = _once("reconcile", self._reconcile, function)
        return function

    def finalize(self, function: Callable[[FinalizeCall[_S]], _Undone]) -> Callable[[FinalizeCall[_S]], _Undone]:
        """Decorates the function that deletes what `reconcile` made. Default: nothing is deleted.

        It may be called again after it succeeded, and must be idempotent.
        """
        self._finalize = _once("finalize", self._finalize, function)
        return function

    @property
    def apis(self) -> Sequence[registry_pb2.PluginApi]:
        """APIs as they are registered."""
        return self._apis

    def define(self, who: str) -> Implementation:
        """Returns the decorated functions. Called by `Plugin.serve`. Raises `InvalidDefinition`."""
        if self._reconcile is None:
            raise InvalidDefinition(f"{who} has no reconcile function; decorate one with @plugin.reconcile")
        return Implementation(self._apis, self._reconcile, self._finalize, self._models)


def _once(what: str, former: Function | None, function: Function) -> Function:
    if former is not None:
        raise InvalidDefinition(f"the {what} function is already set to {former!r}; an API can have only one")
    return function
