"""Resources as a plugin receives them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic

from typing_extensions import TypeVar

Json = dict[str, Any]
"""JSON object."""

S = TypeVar("S", default=Json, covariant=True)  # noqa: PLC0105
"""Type of a `spec`. Without a model it is the JSON object of the request."""


@dataclass(frozen=True)
class Metadata:
    """Metadata that every resource has. All other metadata is in `raw["metadata"]` of the resource."""

    name: str
    namespace: str | None = None
    """Namespace; `None` for cluster-scoped kinds."""
    uid: str = ""
    generation: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    deletion_timestamp: str | None = None


@dataclass(frozen=True, eq=False)
class Resource(Generic[S]):
    """Resource of a request. Two resources are equal only if they are the same object."""

    api_version: str
    kind: str
    metadata: Metadata
    spec: S
    status: Json
    """Current status, as written by the controller and the plugins."""
    raw: Json = field(repr=False)
    """Whole resource of the request."""

    def __str__(self) -> str:
        """Returns the kind and the name, for messages."""
        return f"{self.kind} {self.metadata.name}"


def read_resource(raw: Json) -> Resource[Any]:
    """Converts a resource of a request, without converting its spec."""
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
