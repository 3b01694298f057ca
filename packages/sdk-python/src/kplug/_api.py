"""Identity of a plugin: its name, its version and the plugin APIs that it implements."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from kplug._errors import InvalidDefinition
from kplug.v1 import registry_pb2

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")

# Semantic version 2.0.0, by the pattern that semver.org suggests.
_VERSION = re.compile(
    r"(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)"
    r"(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?"
)

# Version of a capability: without spaces, commas and operators, which ranges have.
_PROVIDED_VERSION = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._+-]{0,61}[A-Za-z0-9])?")


@dataclass(frozen=True)
class Provided:
    """Capability that resources may ask for, in the versions that the plugin provides."""

    category: str
    """Category, such as `database`."""
    type: str
    """Type, such as `postgresql`."""
    versions: Sequence[str]
    """Versions, such as `"16"` and `"17"`. At least one."""


@dataclass(frozen=True)
class Api:
    """Plugin API in full, for more than `"Name@1.0.0"` says."""

    name: str
    version: str
    """Version of the API, in semantic versioning."""
    extension_kinds: Sequence[str] | None = None
    """Extension kinds that the plugin understands, as `Kind` or `Kind.group`. Default: the keys of `extensions`."""
    capabilities: Mapping[str, str] = field(default_factory=dict)
    """Free-form capabilities, which a delegation may require. Default none."""
    provides: Sequence[Provided] = ()
    """Capabilities that resources may ask for, each category and type once. Default none."""


def check_identity(name: str, version: str) -> None:
    """Validates the name and version of a plugin. Raises `InvalidDefinition`."""
    if not _NAME.fullmatch(name):
        raise _malformed(f'the plugin\'s name "{name}"', "a name such as PostgreSQL")
    if not _VERSION.fullmatch(version):
        raise _malformed(f'the plugin\'s version "{version}"', "such as 1.2.0")


def read_apis(given: str | Api | Sequence[str | Api], kinds: Iterable[str]) -> list[registry_pb2.PluginApi]:
    """Converts the APIs of a definition for registration. Raises `InvalidDefinition`."""
    apis = [given] if isinstance(given, str | Api) else list(given)
    if not apis:
        raise _malformed("the list of APIs", "at least one, such as DatabaseTable@1.0.0")
    return [_read_api(split_api(api) if isinstance(api, str) else api, list(kinds)) for api in apis]


def _read_api(api: Api, kinds: list[str]) -> registry_pb2.PluginApi:
    if not _NAME.fullmatch(api.name):
        raise _malformed(f'the API\'s name "{api.name}"', "a name such as DatabaseTable")
    if not _VERSION.fullmatch(api.version):
        raise _malformed(f'the version "{api.version}" of the API {api.name}', "such as 1.0.0")
    understood = kinds if api.extension_kinds is None else api.extension_kinds
    return registry_pb2.PluginApi(
        name=api.name,
        version=api.version,
        extension_kinds=[_split_kind(kind) for kind in understood],
        capabilities=api.capabilities,
        provides=_read_provided(api),
    )


def _read_provided(api: Api) -> list[registry_pb2.ProvidedCapability]:
    known: set[str] = set()
    for one in api.provides:
        for part in (one.category, one.type):
            if not _NAME.fullmatch(part):
                raise _malformed(
                    f'the capability "{part}" of the API {api.name}', "a category and a type such as database"
                )
        name = f"{one.category}/{one.type}"
        # The controller compares them without regard to case.
        if name.lower() in known:
            raise InvalidDefinition(f"the API {api.name} provides {name} twice; write it once, with all its versions")
        known.add(name.lower())
        if isinstance(one.versions, str) or not one.versions:
            raise InvalidDefinition(f'{name} has no list of versions; write at least one, such as ["17"]')
        for version in one.versions:
            if not isinstance(version, str) or not _PROVIDED_VERSION.fullmatch(version):
                raise _malformed(f"the version {version!r} of {name}", 'a text such as "17" or "10.11"')
    return [
        registry_pb2.ProvidedCapability(category=one.category, type=one.type, versions=one.versions)
        for one in api.provides
    ]


def split_api(text: str) -> Api:
    """Reads an API that is written as `Name@1.0.0`. Raises `InvalidDefinition`."""
    name, at, version = text.partition("@")
    if not at:
        raise _malformed(f'the API "{text}"', "name and version, such as DatabaseTable@1.0.0")
    return Api(name, version)


def _split_kind(text: str) -> registry_pb2.ExtensionKind:
    kind, _, group = text.partition(".")
    return registry_pb2.ExtensionKind(group=group, kind=kind)


def _malformed(what: str, expected: str) -> InvalidDefinition:
    return InvalidDefinition(f"{what} is malformed; write {expected}")
