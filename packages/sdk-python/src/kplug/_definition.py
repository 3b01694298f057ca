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
class Definition:
    """A plugin as its author defined it."""

    plugin: str
    version: str
    apis: Sequence[registry_pb2.PluginApi]
    reconcile: Function
    finalize: Function | None = None
    models: Models = field(default_factory=Models)
    threads: int = 32
    """How many functions that aren't `async` run at once."""
    on_start: Sequence[Hook] = ()
    on_stop: Sequence[Hook] = ()
