"""Results of `reconcile` and `finalize`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

from kplug._resource import Resource


@dataclass(frozen=True)
class Message:
    """Message to the user of the resource."""

    reason: str
    """Reason in one PascalCase word."""
    text: str
    severity: Literal["info", "warning", "error"] = "info"
    extension: Resource[Any] | None = None
    """Extension that the message is about. Default: the base."""


@dataclass(frozen=True)
class Event:
    """Kubernetes Event for the controller to record. Equal Events are counted."""

    reason: str
    """Reason in one PascalCase word."""
    message: str
    type: Literal["Normal", "Warning"] = "Normal"
    extension: Resource[Any] | None = None
    """Extension that the Event is about. Default: the base."""


@dataclass(frozen=True)
class Condition:
    """Condition in the status of the base resource."""

    type: str
    status: bool | Literal["Unknown"]
    reason: str
    """Reason in one PascalCase word."""
    message: str = ""


@dataclass(frozen=True)
class FinalizeResult:
    """Result of `finalize`. All fields are optional; returning `None` is success too."""

    messages: Sequence[Message] = ()
    events: Sequence[Event] = ()


@dataclass(frozen=True)
class Result:
    """Result of `reconcile`. All fields are optional; returning `None` is success too.

    A status is a mapping, a dataclass, a msgspec `Struct` or a pydantic model.
    """

    status: object | None = None
    """Status of the base. Replaces the one that the plugin returned before. Default: no change."""
    extensions: Mapping[Resource[Any], object] = field(default_factory=dict)
    """Statuses of extensions. Each replaces the one that the plugin returned before. Default: no change."""
    dependents: Sequence[object] | None = None
    """Resources that the operator applies for the base, in this order, in its namespace and owned by it: mappings with
    `apiVersion`, `kind`, `metadata` and the fields that the plugin sets. Dependents that are no longer listed are
    deleted. The delegation lists the allowed kinds. Default: no change."""
    conditions: Sequence[Condition] = ()
    messages: Sequence[Message] = ()
    events: Sequence[Event] = ()
    requeue_after: float | timedelta | None = None
    """Delay until the next call if nothing changes before, in seconds or as a `timedelta`. Default: the `resync` of the
    delegation."""
