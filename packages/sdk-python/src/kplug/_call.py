"""Input of `reconcile` and `finalize`."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, Literal

from kplug._dependents import Dependents
from kplug._extensions import Extensions
from kplug._resource import Json, Resource, S

if TYPE_CHECKING:
    Log = logging.LoggerAdapter[logging.Logger]
else:
    Log = logging.LoggerAdapter


@dataclass(frozen=True)
class Assignment:
    """Delegation and plugin API of a call, and the reason why this plugin was chosen."""

    delegation: str
    api: str
    api_version: str
    reason: str
    """Reason for the choice in one PascalCase word: `Preferred`, `Fallback` and others."""
    message: str


@dataclass(frozen=True)
class Capability:
    """Capability that a base asks for, as the plugin registered it."""

    category: str
    type: str
    version: str
    """Version to provide. It stays until the base asks for another one, even if the plugin provides a newer one."""
    previous_version: str
    """Version of the last successful call for the base; empty before that. It differs from `version` during an
    upgrade."""


@dataclass(frozen=True)
class Operation:
    """Operation in progress, as the plugin reported it last."""

    percentage: int | None
    """`None` if it is not known."""
    message: str
    token: str
    """Empty if the operation has none."""
    generation: int
    """Generation of the base when the operation began."""
    started_at: datetime
    cancelled: bool
    """True if what the operation does is no longer wanted: the spec changed since it began, or the base is being
    finalized and the operation began before. Stop it, or adapt it to the new state."""


class Required:
    """Further resources that the plugin required by `require`, by the name of the requirement."""

    def __init__(self, found: Mapping[str, Sequence[Resource[Json]]]) -> None:
        self._found = found

    def __contains__(self, name: object) -> bool:
        """Reports whether the call brings a requirement.

        If not, the plugin has yet to state it. If so and nothing was found, it is missing.
        """
        return name in self._found

    def get(self, name: str) -> Resource[Json] | None:
        """Returns the first resource of a requirement, ordered by namespace and name; `None` if none was found."""
        return next(iter(self.all(name)), None)

    def all(self, name: str) -> Sequence[Resource[Json]]:
        """Returns the resources of a requirement; empty if none was found."""
        return self._found.get(name, ())


@dataclass(frozen=True)
class Call(Generic[S]):
    """Input of `reconcile`: the whole state of one resource."""

    base: Resource[S]
    """Base resource."""
    extensions: Extensions
    """Extension resources that the base references and that exist."""
    dependents: Dependents
    """Dependents of the base (resources that the operator applies for it) in their current state."""
    required: Required
    """Further resources that the plugin required by `require`."""
    assignment: Assignment
    capability: Capability | None
    """Capability that the base asks for; `None` if its delegation has none."""
    operation: Operation | None
    """Operation that this plugin reported as in progress for the base, also from another instance; `None` if there is
    none."""
    attempt: int
    """Number of the attempt: 1, plus the failed attempts in a row before it."""
    deadline: datetime | None
    """Deadline of the call."""
    cancelled: threading.Event
    """Event that is set when the controller no longer waits: the deadline passed, or the resource went to another
    plugin. An `async` function is cancelled too; any other should check it regularly, or call its `wait` instead of
    `time.sleep`."""
    traceparent: str
    """W3C trace context of the pass, or empty. With the extra `otel` it is already the current context."""
    tracestate: str
    log: Log
    """Logger with the names of the plugin and the resource."""


@dataclass(frozen=True)
class FinalizeCall(Call[S | Json], Generic[S]):
    """Input of `finalize`. The spec is a `dict` if the resource was valid once and edited since to an invalid one."""

    cause: Literal["deleted", "handed_over"]
    """Cause of the call: the base resource is being deleted, or it went to another plugin."""


class ResourceLog(Log):
    """Prefixes each message with the resource, and adds it to each record as `resource`."""

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        """Adds the resource to a message and its record."""
        resource = (self.extra or {}).get("resource")
        kwargs["extra"] = {"resource": resource, **(kwargs.get("extra") or {})}
        return f"{resource}: {msg}", kwargs
