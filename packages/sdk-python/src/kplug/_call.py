"""What `reconcile` and `finalize` get."""

from __future__ import annotations

import logging
import threading
from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, Literal

from kplug._extensions import Extensions
from kplug._resource import Json, Resource, S

if TYPE_CHECKING:
    Log = logging.LoggerAdapter[logging.Logger]
else:
    Log = logging.LoggerAdapter


@dataclass(frozen=True)
class Assignment:
    """As whom a plugin is called and why it was chosen."""

    delegation: str
    api: str
    api_version: str
    reason: str
    """Why this plugin, in one PascalCase word: `Preferred`, `Fallback` and others."""
    message: str


@dataclass(frozen=True)
class Call(Generic[S]):
    """What `reconcile` gets: the whole state of one resource."""

    base: Resource[S]
    """The base resource."""
    extensions: Extensions
    """The extension resources that the base points to and that exist."""
    dependents: Sequence[Resource[Json]]
    """What the operator keeps for the base because the plugin wanted it, as it is now."""
    assignment: Assignment
    attempt: int
    """How many times in a row this resource was tried without success, plus one."""
    deadline: datetime | None
    """When the controller gives up waiting."""
    cancelled: threading.Event
    """Set when nobody waits any more: the deadline passed, or the resource went to another plugin. An `async` function
    is cancelled as well; any other one should look here in between, or `wait` in place of sleeping."""
    traceparent: str
    """The W3C trace context of the pass, or empty. With the extra `otel` it is the current context already."""
    tracestate: str
    log: Log
    """Logs under the plugin's name and the resource's."""


@dataclass(frozen=True)
class FinalizeCall(Call[S | Json], Generic[S]):
    """What `finalize` gets. A resource that fitted its model once and was edited since comes with its spec as it is."""

    cause: Literal["deleted", "handed_over"]
    """Why: the base resource is being deleted, or it went to another plugin."""


class ResourceLog(Log):
    """Puts the resource before each message, and into each record as `resource`."""

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        """Adds the resource to a message and its record."""
        resource = (self.extra or {}).get("resource")
        kwargs["extra"] = {"resource": resource, **(kwargs.get("extra") or {})}
        return f"{resource}: {msg}", kwargs
