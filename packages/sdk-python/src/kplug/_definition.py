"""Definition of a plugin."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kplug._models import Model
from kplug.v1 import registry_pb2

Function = Callable[[Any], Any]
"""Function of the author, `async` or not."""

Hook = Callable[[], Any]
"""Function of the author to call when the plugin starts or stops, `async` or not."""


@dataclass(frozen=True)
class Models:
    """Models of the specs of a plugin."""

    base: Model[Any] | None = None
    extensions: Mapping[str, Model[Any]] = field(default_factory=dict)
    """Models of extensions, by kind."""
    base_type: type[Any] | None = None
    """Type of the spec of the base."""
    types: Mapping[str, type[Any]] = field(default_factory=dict)
    """Types of the specs of extensions, by kind."""


@dataclass(frozen=True)
class Implementation:
    """Functions that implement one plugin API, or several that are treated alike."""

    apis: Sequence[registry_pb2.PluginApi]
    reconcile: Function
    finalize: Function | None = None
    models: Models = field(default_factory=Models)


@dataclass(frozen=True)
class Definition:
    """Definition of a plugin."""

    plugin: str
    version: str
    implementations: Sequence[Implementation]
    threads: int = 32
    """Maximum number of concurrent calls of functions that aren't `async`."""
    on_start: Sequence[Hook] = ()
    on_stop: Sequence[Hook] = ()

    @property
    def apis(self) -> list[registry_pb2.PluginApi]:
        """All APIs that the plugin implements."""
        return [api for implementation in self.implementations for api in implementation.apis]

    def find(self, name: str, version: str) -> Implementation | None:
        """Returns the implementation of an API: the only one, else the one of that version, else any version."""
        if len(self.implementations) == 1:
            return self.implementations[0]
        named = [(api, one) for one in self.implementations for api in one.apis if api.name == name]
        exact = [one for api, one in named if api.version == version]
        return next(iter([*exact, *(one for _, one in named)]), None)
