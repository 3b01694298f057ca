"""Input of a call in a test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

from typing_extensions import NotRequired, Required, TypedDict

from kplug._result import Progress

_S = TypeVar("_S")

Manifest = Mapping[str, Any]
"""Dependent or required resource in full: `apiVersion`, `kind`, `metadata.name`, and any other fields. Its default
namespace is that of the base; an empty one is that of a cluster-scoped kind."""


class MetadataInput(TypedDict, total=False):
    """Metadata of a resource of a test. The default uid follows from kind, namespace and name."""

    name: str
    """Default for the base `test`, for an extension the name of the base."""
    namespace: str
    """Default `default`. An empty one is that of a cluster-scoped kind."""
    uid: str
    generation: int
    """Default 1."""
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    creationTimestamp: str
    deletionTimestamp: str
    finalizers: Sequence[str]
    ownerReferences: Sequence[Mapping[str, Any]]
    resourceVersion: str


class BaseInput(TypedDict, Generic[_S], total=False):
    """Base of a test. All fields are optional."""

    apiVersion: str
    """Default `example.org/v1`."""
    kind: str
    """Default: the name of the API."""
    metadata: MetadataInput
    spec: _S | Mapping[str, Any]
    """Spec, as the model of the plugin, or as a mapping, which the model validates. Default: none."""
    status: Mapping[str, Any]
    data: Mapping[str, Any]


class ExtensionInput(TypedDict, total=False):
    """Extension of a test."""

    apiVersion: str
    """Default `example.org/v1`."""
    kind: Required[str]
    metadata: MetadataInput
    spec: object
    """Spec, as its model or as a mapping, which the model validates. Default: none."""
    status: Mapping[str, Any]


class CapabilityInput(TypedDict):
    """Capability that the base of a test asks for."""

    category: NotRequired[str]
    """Default: the category that the API provides."""
    type: str
    version: str
    previous_version: NotRequired[str]
    """Default none."""


class OperationInput(TypedDict, total=False):
    """Operation in progress in a test. All fields are optional."""

    percentage: int | None
    """Default: not known."""
    message: str
    token: str
    generation: int
    """Default: that of the base."""
    started_at: datetime
    """Default: now."""
    cancelled: bool
    """Default false."""


class AssignmentInput(TypedDict, total=False):
    """Delegation of a call in a test, and the reason why the plugin was chosen."""

    delegation: str
    """Default `test`."""
    reason: str
    """Default `Preferred`."""
    message: str


class CallInput(TypedDict, total=False):
    """Input of a call of `reconcile` in a test, besides the base. All fields are optional."""

    extensions: Sequence[ExtensionInput]
    """Extension resources that the base references and that exist. Default none."""
    dependents: Sequence[Manifest]
    """Dependents in their current state. Default none."""
    required: Mapping[str, Sequence[Manifest]]
    """Resources that were found for each requirement, by its name. An empty list says that none exists; a name that is
    missing says that the plugin has not stated the requirement yet. Default none."""
    capability: CapabilityInput | None
    """Capability that the base asks for. Default none."""
    operation: OperationInput | Progress | None
    """Operation that the plugin reported as in progress, such as `progress` of an earlier answer. Default none."""
    assignment: AssignmentInput
    attempt: int
    """Number of the attempt. Default 1."""


class FinalizeInput(CallInput, total=False):
    """Input of a call of `finalize` in a test, besides the base. All fields are optional."""

    cause: Literal["deleted", "handed_over"]
    """Cause of the call. Default `deleted`."""
