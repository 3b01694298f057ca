"""A resource as a plugin gets it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic

from typing_extensions import TypeVar

Json = dict[str, Any]
"""A JSON object."""

S = TypeVar("S", default=Json, covariant=True)  # noqa: PLC0105
"""The type of a `spec`. Without a model it is the JSON object as it was sent."""


@dataclass(frozen=True)
class Metadata:
    """The metadata that a plugin can rely on. The rest is in the resource's `raw["metadata"]`."""

    name: str
    namespace: str | None = None
    """Missing for cluster-scoped kinds."""
    uid: str = ""
    generation: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    deletion_timestamp: str | None = None


@dataclass(frozen=True, eq=False)
class Resource(Generic[S]):
    """A resource: what its author declared, and what every resource has. Two are equal only if they are one object."""

    api_version: str
    kind: str
    metadata: Metadata
    spec: S
    status: Json
    """The present status, as the controller and the plugins wrote it."""
    raw: Json = field(repr=False)
    """The whole resource as it was sent."""

    def __str__(self) -> str:
        """The kind and the name, for people."""
        return f"{self.kind} {self.metadata.name}"


def read_resource(raw: Json) -> Resource[Any]:
    """Reads a resource as the controller sends it, its spec as it is."""
    metadata = raw.get("metadata") or {}
    return Resource(
        api_version=raw.get("apiVersion", ""),
        kind=raw.get("kind", ""),
        metadata=Metadata(
            name=metadata.get("name", ""),
            namespace=metadata.get("namespace"),
            uid=metadata.get("uid", ""),
            generation=metadata.get("generation", 0),
            labels=metadata.get("labels") or {},
            annotations=metadata.get("annotations") or {},
            deletion_timestamp=metadata.get("deletionTimestamp"),
        ),
        spec=raw.get("spec", {}),
        status=raw.get("status") or {},
        raw=raw,
    )
