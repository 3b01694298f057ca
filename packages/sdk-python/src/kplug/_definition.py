"""A plugin as its author defined it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kplug._models import Model
from kplug.v1 import registry_pb2

Function = Callable[[Any], Any]
"""A function of the author's: `async` or not."""

Hook = Callable[[], Any]
"""What the author wants called when the plugin starts or stops: `async` or not."""


@dataclass(frozen=True)
class Models:
    """The models of a plugin's specs."""

    base: Model[Any] | None = None
    extensions: Mapping[str, Model[Any]] = field(default_factory=dict)
    """By kind."""
    types: Mapping[str, type[Any]] = field(default_factory=dict)
    """The types that the models of extensions make, by kind."""


@dataclass(frozen=True)
class Implementation:
    """The functions that implement one plugin API, or several alike."""

    apis: Sequence[registry_pb2.PluginApi]
    reconcile: Function
    finalize: Function | None = None
    models: Models = field(default_factory=Models)


@dataclass(frozen=True)
class Definition:
    """A plugin as its author defined it."""

    plugin: str
    version: str
    implementations: Sequence[Implementation]
    threads: int = 32
    """How many functions that aren't `async` run at once."""
    on_start: Sequence[Hook] = ()
    on_stop: Sequence[Hook] = ()

    @property
    def apis(self) -> list[registry_pb2.PluginApi]:
        """All APIs that it implements."""
        return [api for implementation in self.implementations for api in implementation.apis]

    def find(self, name: str, version: str) -> Implementation | None:
        """What implements an API: in that version, or else in another; with a single one, that."""
        if len(self.implementations) == 1:
            return self.implementations[0]
        named = [(api, one) for one in self.implementations for api in one.apis if api.name == name]
        exact = [one for api, one in named if api.version == version]
        return next(iter([*exact, *(one for _, one in named)]), None)
