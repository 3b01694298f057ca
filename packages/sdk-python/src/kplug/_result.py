"""What `reconcile` and `finalize` return."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

from kplug._resource import Resource


@dataclass(frozen=True)
class Message:
    """A remark for the user of the resource."""

    reason: str
    """Why, in one PascalCase word."""
    text: str
    severity: Literal["info", "warning", "error"] = "info"
    extension: Resource[Any] | None = None
    """The extension that it concerns; the base if missing."""


@dataclass(frozen=True)
class Event:
    """A Kubernetes Event for the controller to record. Equal ones are counted."""

    reason: str
    """Why, in one PascalCase word."""
    message: str
    type: Literal["Normal", "Warning"] = "Normal"
    extension: Resource[Any] | None = None
    """The extension that it concerns; the base if missing."""


@dataclass(frozen=True)
class Condition:
    """A condition for the base resource's status."""

    type: str
    status: bool | Literal["Unknown"]
    reason: str
    """Why, in one PascalCase word."""
    message: str = ""


@dataclass(frozen=True)
class FinalizeResult:
    """What `finalize` may return. Nothing means success and no more to say."""

    messages: Sequence[Message] = ()
    events: Sequence[Event] = ()


@dataclass(frozen=True)
class Result:
    """What `reconcile` may return. Nothing means success and no more to say.

    A status is a mapping, a dataclass, a msgspec `Struct` or a pydantic model.
    """

    status: object | None = None
    """The base's status; replaces what the plugin returned before. `None`: left as it is."""
    extensions: Mapping[Resource[Any], object] = field(default_factory=dict)
    """The status of each extension that should change; replaces what the plugin returned before."""
    dependents: Sequence[object] | None = None
    """The resources that the operator is to keep for the base, in its namespace and owned by it, in the order in which
    they are applied: mappings with `apiVersion`, `kind`, `metadata` and whatever is to be decided. What is no longer
    among them is removed. `None`: what is kept stays as it is. The delegation says which kinds are allowed."""
    conditions: Sequence[Condition] = ()
    messages: Sequence[Message] = ()
    events: Sequence[Event] = ()
    requeue_after: float | timedelta | None = None
    """When to be called again although nothing changed, in seconds or as a `timedelta`. `None`: as the delegation
    says."""
