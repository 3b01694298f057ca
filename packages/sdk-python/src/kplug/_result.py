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
class Dependent:
    """Dependent with rules that say when and how the operator applies it."""

    manifest: object
    """Mapping with `apiVersion`, `kind`, `metadata` and the fields that the plugin sets."""
    depends_on: Sequence[str] = ()
    """Dependents that must be ready before this one is applied, as `Kind/name`, or `Kind.group/name` where that is
    ambiguous. If no dependent of the result has any, each one depends on the one before it."""
    ready_when: str = ""
    """CEL expression that is true if the dependent is ready, over `self`, the dependent, and `base`. At most 1,024
    characters. Default: the conventions of Kubernetes for its kind."""
    ready_timeout: float | timedelta | None = None
    """Time that the dependent has to become ready, in seconds or as a `timedelta`. After it, the status of the base
    reports a failure; the dependent is observed nevertheless. Default: `dependents.readyTimeout` of the delegation,
    10 minutes."""
    include_when: str = ""
    """CEL expression that is true if the dependent is wanted, over `self`, which is null if it does not exist, and
    `base`. While it is false, the dependent and those that depend on it are deleted, in reverse order. Default:
    wanted."""
    policy: Literal["Apply", "CreateOnly", "Recreate", "Observe"] = "Apply"
    """Handling of a dependent that exists: `Apply` changes it to the manifest, `CreateOnly` leaves it as it is, such as
    a Secret with a generated password, and `Recreate` deletes it and creates it again if a field that changes is
    immutable. `Observe` is for a resource of another client: it is sent with each call and has to become ready, and is
    never written. Its manifest has only `apiVersion`, `kind` and the name, and the delegation permits its kind in
    `requirements.kinds`."""
    retain: bool = False
    """True to release the dependent instead of deleting it, when it is no longer wanted or the base is deleted. A base
    of the same kind, namespace and name owns it again."""


@dataclass(frozen=True)
class Progress:
    """Progress of an operation that takes longer than a call."""

    percentage: int | None = None
    """Part that is done, in percent: 0 to 100. Default: not known."""
    message: str = ""
    """Description for people, such as `copied 3 of 8 tables`. After 1,024 characters it is cut."""
    token: str = ""
    """Opaque token that identifies the operation, such as the id of a backup. Every later call brings it. At most
    1 KiB. Not a secret, as it is in the status of the base; check that it belongs to the base."""
    after: float | timedelta | None = None
    """Delay until the next call, in seconds or as a `timedelta`, at least the `minRequeueInterval` of the delegation.
    Default 10 s."""


@dataclass(frozen=True)
class Requirement:
    """Selects further resources that a plugin needs: one by its name, or those with some labels."""

    api_version: str
    """API group and version, such as `v1` or `myorg.org/v1alpha1`."""
    kind: str
    name: str = ""
    """Name of the resource. Give either this or labels."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Labels that the resources have, with these values."""
    namespace: str = ""
    """Namespace of the resources. Default: that of the base. Left out for cluster-scoped kinds."""


@dataclass(frozen=True)
class FinalizeResult:
    """Result of `finalize`. All fields are optional; returning `None` is success too."""

    messages: Sequence[Message] = ()
    events: Sequence[Event] = ()
    progress: Progress | None = None
    """Says that the work is not done yet, but in progress. The next call brings it as `call.operation`. Default: the
    work is done."""
    require: Mapping[str, Requirement] = field(default_factory=dict)
    """Further resources that the plugin needs to finalize, by names of its choice. The work is not done until the call
    brings them as `call.required`. Default: none."""


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
    """Resources that the operator applies for the base, in its namespace and owned by it, each when the one before it
    is ready: mappings with `apiVersion`, `kind`, `metadata` and the fields that the plugin sets, or a `Dependent` with
    rules. Dependents that are no longer listed are deleted. The delegation lists the allowed kinds. Default: no
    change."""
    conditions: Sequence[Condition] = ()
    messages: Sequence[Message] = ()
    events: Sequence[Event] = ()
    requeue_after: float | timedelta | None = None
    """Delay until the next call if nothing changes before, in seconds or as a `timedelta`. Default: the `resync` of the
    delegation."""
    valid_for: float | timedelta | None = None
    """Time for which the answer holds, in seconds or as a `timedelta`, at most a day. Until then the operator makes no
    call with equal input: the same base and extensions, apart from their statuses, the same dependents in the same
    state, and the same version of the plugin. A call that `requeue_after` requests is made nevertheless. Default: the
    answer does not hold, so that every pass makes a call."""
    progress: Progress | None = None
    """Says that the work is not done yet, but in progress. The resource is not ready until a later call returns without
    it. The next call brings it as `call.operation`. Default: the work is done."""
    require: Mapping[str, Requirement] = field(default_factory=dict)
    """Further resources that the plugin needs, by names of its choice: all of them, also those that the call brought.
    If they differ from those of the call, the operator discards the rest of the result and calls again with the
    resources as `call.required`, up to five times in a row. It calls again, too, when one of the resources appears,
    changes or is gone. The delegation lists the permitted kinds. An exception leaves the requirements as they are.
    Default: none."""
