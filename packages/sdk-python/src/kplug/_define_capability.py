"""Definition of a plugin that provides a category of capabilities."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Generic, TypeVar, overload

from typing_extensions import NotRequired, Required, TypedDict, Unpack

from kplug._api import Api, Provided, split_api
from kplug._author import is_async
from kplug._call import Call, FinalizeCall
from kplug._capability_owner import CapabilityOwner, owner_of, read_owners
from kplug._dependents import Dependents
from kplug._errors import InvalidDefinition, Terminal
from kplug._plugin import Plugin
from kplug._resource import Json
from kplug._result import FinalizeResult, Result

_Owner = CapabilityOwner[Any, Any, Any]
_Types = Mapping[str, Sequence[str]]
_Function = Callable[..., Any]

_REQUIRED = ("version", "api", "category", "dependents")
_OPTIONAL = ("status", "finalize", "threads")

_S = TypeVar("_S")
_T = TypeVar("_T", bound=str)
_V = TypeVar("_V", bound=str)
_O = TypeVar("_O")
_A = TypeVar("_A", bound=_Owner)
_B = TypeVar("_B", bound=_Owner)
_C = TypeVar("_C", bound=_Owner)
_D = TypeVar("_D", bound=_Owner)


class CapabilityDefinition(TypedDict, Generic[_O]):
    """Definition of a plugin that provides the types of one category of capabilities.

    Functions may be `async`; `dependents` and `status` both or neither.
    """

    version: Required[str]
    """Version of the plugin, in semantic versioning."""
    api: Required[str | Api]
    """Plugin API that it implements, as `Name@1.0.0` or an `Api`."""
    category: Required[str]
    """Category, such as `database`."""
    dependents: Required[Callable[[_O, Dependents], Sequence[object] | Awaitable[Sequence[object]]]]
    """Returns the resources that make up the capability, in the order in which they become ready: mappings, or
    `Dependent` with rules. It is called again with every change, so the same owner and observed dependents must give
    the same manifests. Those of the policy `CreateOnly` may differ, as an existing one stays as it is."""
    status: NotRequired[Callable[[_O, Dependents], object | None]]
    """Returns the status, such as connection parameters, given the dependents as they are; `None` for no change. Called
    with every change of them. Default: no status."""
    finalize: NotRequired[Callable[[_O, FinalizeCall[Any]], FinalizeResult | Awaitable[FinalizeResult | None] | None]]
    """Deletes what is not a dependent. It may report progress until that is done. The spec of the owner is a `dict` if
    the resource was valid once and edited since to an invalid one. Default: nothing."""
    threads: NotRequired[int]
    """Maximum number of concurrent calls of functions that aren't `async`. Default 32."""


@overload
def define_capability(
    name: str,
    *,
    types: Mapping[_T, Sequence[_V]],
    spec: None = None,
    **definition: Unpack[CapabilityDefinition[CapabilityOwner[Json, _T, _V]]],
) -> Plugin[Json]: ...
@overload
def define_capability(
    name: str,
    *,
    types: Mapping[_T, Sequence[_V]],
    spec: type[_S],
    **definition: Unpack[CapabilityDefinition[CapabilityOwner[_S, _T, _V]]],
) -> Plugin[_S]: ...
@overload
def define_capability(
    name: str, *, types: tuple[type[_A]], **definition: Unpack[CapabilityDefinition[_A]]
) -> Plugin[Any]: ...
@overload
def define_capability(
    name: str, *, types: tuple[type[_A], type[_B]], **definition: Unpack[CapabilityDefinition[_A | _B]]
) -> Plugin[Any]: ...
@overload
def define_capability(
    name: str, *, types: tuple[type[_A], type[_B], type[_C]], **definition: Unpack[CapabilityDefinition[_A | _B | _C]]
) -> Plugin[Any]: ...
@overload
def define_capability(
    name: str,
    *,
    types: tuple[type[_A], type[_B], type[_C], type[_D]],
    **definition: Unpack[CapabilityDefinition[_A | _B | _C | _D]],
) -> Plugin[Any]: ...
def define_capability(
    name: str, *, types: Mapping[Any, Any] | tuple[Any, ...], spec: type[Any] | None = None, **definition: Any
) -> Plugin[Any]:
    """Defines a plugin that provides a category of capabilities.

        def dependents(owner: CapabilityOwner[Spec], observed: Dependents) -> list[Dependent]: ...

        define_capability(
            "Databases",
            version="1.0.0",
            api="Capability@1.0.0",
            category="database",
            types={"postgresql": ["16", "17"]},
            spec=Spec,
            dependents=dependents,
        ).run()

    The operator applies the dependents, follows them, and calls again when one becomes ready, changes or vanishes.
    Raises `InvalidDefinition`.

    Args:
        name: Name of the plugin, as in `Plugin`.
        types: Versions by type, or a tuple of owners with `Literal` types and versions: a type checker then knows the
            versions of each type.
        spec: Model of the spec of the base, as in `Plugin`. With owners in `types`, theirs is taken.
        definition: As in `CapabilityDefinition`.

    """
    _check_fields(definition)
    if isinstance(types, tuple):
        if spec is not None:
            raise InvalidDefinition("the owners in types have the model of the spec; remove spec")
        types, spec = read_owners(types)
    elif not isinstance(types, Mapping):
        raise InvalidDefinition(f'types is {types!r}; write versions by type, such as {{"postgresql": ["16", "17"]}}')
    api, category, version = definition["api"], definition["category"], definition["version"]
    plugin: Plugin[Any] = Plugin(
        name,
        version=version,
        api=_add_provided(api, category, types),
        spec=spec,
        threads=definition.get("threads", 32),
    )
    check = _Check(f"{name} {version}", types)
    plugin.reconcile(_reconcile_by(definition["dependents"], definition.get("status"), check))
    finalize = definition.get("finalize")
    if finalize is not None:
        plugin.finalize(_finalize_by(finalize))
    return plugin


class _Check:
    """Check that a plugin provides the version that it is to provide."""

    def __init__(self, plugin: str, types: _Types) -> None:
        self._plugin = plugin
        self._types = types

    def owner_of(self, call: Call[Any]) -> _Owner:
        """Returns the owner of a call. Raises `Terminal` if the plugin doesn't provide what it asks for."""
        owner = owner_of(call)
        versions = self._types.get(owner.type, ())
        if owner.version not in versions:
            provided = f"{owner.type} {', '.join(versions)}" if versions else ", ".join(self._types)
            message = f"{self._plugin} provides no {owner.type} {owner.version}; it provides {provided}"
            raise Terminal(message, reason="NoSuchVersion")
        return owner


def _reconcile_by(dependents: _Function, status: _Function | None, check: _Check) -> _Function:
    if not is_async(dependents):

        def reconcile(call: Call[Any]) -> Result:
            owner = check.owner_of(call)
            listed = dependents(owner, call.dependents)
            return Result(dependents=listed, status=None if status is None else status(owner, call.dependents))

        return reconcile

    async def reconcile_async(call: Call[Any]) -> Result:
        owner = check.owner_of(call)
        listed = await dependents(owner, call.dependents)
        return Result(dependents=listed, status=None if status is None else await status(owner, call.dependents))

    return reconcile_async


def _finalize_by(finalize: _Function) -> _Function:
    if not is_async(finalize):
        return lambda call: finalize(owner_of(call), call)

    async def finalize_async(call: FinalizeCall[Any]) -> FinalizeResult | None:
        result: FinalizeResult | None = await finalize(owner_of(call), call)
        return result

    return finalize_async


def _add_provided(given: str | Api, category: str, types: _Types) -> Api:
    api = split_api(given) if isinstance(given, str) else given
    if api.provides:
        raise InvalidDefinition("define_capability provides the types of the category; remove provides from the API")
    if not types:
        raise InvalidDefinition(f"the category {category} has no types; write at least one, such as postgresql")
    return replace(api, provides=[Provided(category, type_, versions) for type_, versions in types.items()])


def _check_fields(definition: Mapping[str, Any]) -> None:
    for field in definition:
        if field not in _REQUIRED + _OPTIONAL:
            fields = ", ".join(("types", "spec", *_REQUIRED, *_OPTIONAL))
            raise InvalidDefinition(f'the capability has the unknown field "{field}"; its fields are {fields}')
    for field in _REQUIRED:
        if field not in definition:
            raise InvalidDefinition(f"the capability has no {field}; add it")
    functions = {field: definition.get(field) for field in ("dependents", "status", "finalize")}
    for field, function in functions.items():
        if function is not None and not callable(function):
            raise InvalidDefinition(f"{field} of the capability must be a function")
    dependents, status = functions["dependents"], functions["status"]
    if dependents is None:
        raise InvalidDefinition("dependents of the capability must be a function")
    if status is not None and is_async(dependents) != is_async(status):
        raise InvalidDefinition("of dependents and status one is async; write both as async functions, or neither")
