"""Extension resources of one call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar, overload

from kplug._errors import InvalidDefinition
from kplug._resource import Resource

_T = TypeVar("_T")


class Extensions:
    """Extension resources that the base references and that exist, by kind or by the model of their spec."""

    def __init__(self, by_key: Mapping[str, Resource[Any]], models: Mapping[str, type[Any]]) -> None:
        self._by_key = by_key
        self._keys = {id(resource): key for key, resource in by_key.items()}
        self._models = models

    @overload
    def get(self, kind: str) -> Resource[Any] | None: ...
    @overload
    def get(self, kind: type[_T]) -> Resource[_T] | None: ...
    def get(self, kind: str | type[Any]) -> Resource[Any] | None:
        """Returns the first extension of a kind, ordered by name; `None` if there is none."""
        return next(iter(self.all(kind)), None)

    @overload
    def all(self, kind: str) -> list[Resource[Any]]: ...
    @overload
    def all(self, kind: type[_T]) -> list[Resource[_T]]: ...
    def all(self, kind: str | type[Any]) -> list[Resource[Any]]:
        """Returns all extensions of a kind, ordered by name."""
        kinds = {kind} if isinstance(kind, str) else self._kinds_of(kind)
        return [extension for extension in self if extension.kind in kinds]

    def __iter__(self) -> Iterator[Resource[Any]]:
        """Iterates over all extensions, ordered by key."""
        return iter(self._by_key.values())

    def __len__(self) -> int:
        """Returns the number of extensions."""
        return len(self._by_key)

    def key_of(self, extension: Resource[Any]) -> str | None:
        """Returns the key of an extension in the request; `None` if the request has no such extension."""
        return self._keys.get(id(extension))

    def _kinds_of(self, model: type[Any]) -> set[str]:
        kinds = {kind for kind, declared in self._models.items() if declared is model}
        if not kinds:
            name = getattr(model, "__name__", str(model))
            raise InvalidDefinition(f"{name} is not the model of an extension; add it to the plugin's `extensions`")
        return kinds
