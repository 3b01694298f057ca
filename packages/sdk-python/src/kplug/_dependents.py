"""Dependents of one call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, overload

from kplug._resource import Json, Resource


class Dependents(Sequence[Resource[Json]]):
    """Dependents of a base in their current state, ordered by key."""

    def __init__(self, resources: Sequence[Resource[Any]] = ()) -> None:
        self._resources = tuple(resources)

    def get(self, kind: str, name: str) -> Resource[Json] | None:
        """Returns a dependent; `None` if it does not exist."""
        return next((one for one in self if one.kind == kind and one.metadata.name == name), None)

    @overload
    def __getitem__(self, index: int) -> Resource[Json]: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Resource[Json]]: ...
    def __getitem__(self, index: int | slice) -> Resource[Json] | Sequence[Resource[Json]]:
        """Returns a dependent by its index, or a slice of them."""
        return self._resources[index]

    def __len__(self) -> int:
        """Returns the number of dependents."""
        return len(self._resources)
