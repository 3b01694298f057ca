"""Resources that ask for capabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, Literal, get_args, get_origin

from typing_extensions import TypeVar

from kplug._call import Call
from kplug._errors import InvalidDefinition, Terminal
from kplug._resource import Json, Resource, S

T = TypeVar("T", bound=str, default=str, covariant=True)  # noqa: PLC0105
"""Type of a capability."""

V = TypeVar("V", bound=str, default=str, covariant=True)  # noqa: PLC0105
"""Version of a capability."""


@dataclass(frozen=True)
class CapabilityOwner(Generic[S, T, V]):
    """Resource that asks for a capability, with the type and the version that it gets.

    Its parameters are the model of the spec, the type and the version. Given as `Literal`, a type checker knows them:

        Postgresql = CapabilityOwner[Spec, Literal["postgresql"], Literal["16", "17"]]
    """

    type: T
    version: V
    """Version to provide. It stays until the base asks for another one, even if the plugin provides a newer one."""
    previous_version: str
    """Version of the last successful call; empty before that. It differs from `version` during an upgrade."""
    name: str
    """Name of the resource. `name_from(owner.base, "db")` makes names of dependents from it."""
    namespace: str
    """Namespace of the resource; empty if it is cluster-scoped."""
    spec: S
    base: Resource[S]


def owner_of(call: Call[Any]) -> CapabilityOwner[Any]:
    """Returns the owner of a call. Raises `Terminal` if its delegation has no capabilities."""
    if call.capability is None:
        message = f'the delegation {call.assignment.delegation} has no capabilities; add "capability: {{}}" to it'
        raise Terminal(message, reason="NoCapability")
    base, capability = call.base, call.capability
    return CapabilityOwner(
        type=capability.type,
        version=capability.version,
        previous_version=capability.previous_version,
        name=base.metadata.name,
        namespace=base.metadata.namespace or "",
        spec=base.spec,
        base=base,
    )


def read_owners(owners: tuple[Any, ...]) -> tuple[dict[str, list[str]], type[Any] | None]:
    """Returns the versions by type, and the model of the spec, of owners whose parameters are `Literal`.

    Raises `InvalidDefinition`.
    """
    types: dict[str, list[str]] = {}
    specs: list[Any] = []
    for owner in owners:
        spec, type_, version = get_args(owner) if get_origin(owner) is CapabilityOwner else (None, None, None)
        if get_origin(type_) is not Literal or get_origin(version) is not Literal:
            advice = 'such as CapabilityOwner[Spec, Literal["postgresql"], Literal["16", "17"]]'
            raise InvalidDefinition(f"types has {owner!r}; write an owner with its type and versions, {advice}")
        for name in get_args(type_):
            if name in types:
                raise InvalidDefinition(f"types has {name} twice; write one owner with all its versions")
            types[name] = list(get_args(version))
        specs.append(spec)
    if any(spec != specs[0] for spec in specs):
        raise InvalidDefinition(f"the owners in types have several models: {specs!r}; write the same in each")
    return types, None if not specs or specs[0] == Json else specs[0]
