"""Requests of calls in a test."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from kplug._encoding import encode_json
from kplug._errors import InvalidInput
from kplug._resource import Json
from kplug._result import Progress
from kplug.testing._inputs import AssignmentInput, CallInput, CapabilityInput, FinalizeInput, OperationInput
from kplug.v1 import plugin_pb2, registry_pb2, resource_pb2

_MAX_PERCENTAGE = 100


@dataclass(frozen=True)
class _Resource:
    """Resource of a request, and the parts of its key."""

    key: str
    kind: str
    name: str
    namespace: str
    generation: int
    json: bytes

    def encoded(self) -> resource_pb2.Resource:
        return resource_pb2.Resource(json=self.json)


def reconcile_request(
    api: registry_pb2.PluginApi, base: object, given: Mapping[str, Any]
) -> tuple[plugin_pb2.ReconcileRequest, dict[str, str]]:
    """Makes the request of a call, and returns it with the extensions as `Kind/name`, by key. Raises `InvalidInput`."""
    _check_names("reconcile", given, CallInput)
    fields, names = _common(api, base, given, {})
    return plugin_pb2.ReconcileRequest(**fields), names


def finalize_request(
    api: registry_pb2.PluginApi, base: object, given: Mapping[str, Any]
) -> tuple[plugin_pb2.FinalizeRequest, dict[str, str]]:
    """Makes the request of a call, and returns it with the extensions as `Kind/name`, by key. Raises `InvalidInput`."""
    _check_names("finalize", given, FinalizeInput)
    cause = given.get("cause", "deleted")
    if cause not in {"deleted", "handed_over"}:
        raise _invalid("cause", cause, '"deleted" or "handed_over"')
    deleted = cause == "deleted"
    fields, names = _common(api, base, given, {"deletionTimestamp": "2000-01-02T00:00:00Z"} if deleted else {})
    encoded = plugin_pb2.FINALIZE_CAUSE_DELETED if deleted else plugin_pb2.FINALIZE_CAUSE_HANDED_OVER
    return plugin_pb2.FinalizeRequest(**fields, cause=encoded), names


def _common(
    api: registry_pb2.PluginApi, base: object, given: Mapping[str, Any], metadata: Json
) -> tuple[dict[str, Any], dict[str, str]]:
    defaults = {"apiVersion": "example.org/v1", "kind": api.name, "name": "test", "namespace": "default"}
    completed = _complete("base", base, defaults, metadata)
    attempt = given.get("attempt", 1)
    if not _is_integer(attempt) or attempt < 1:
        raise _invalid("attempt", attempt, "an integer of at least 1")
    inherited = {"namespace": completed.namespace}
    extension_defaults = {**inherited, "apiVersion": "example.org/v1", "name": completed.name}
    extensions = _complete_all("extensions", given.get("extensions", ()), extension_defaults)
    fields = {
        "base": completed.encoded(),
        "extensions": _by_key("extensions", extensions),
        "dependents": _by_key("dependents", _complete_all("dependents", given.get("dependents", ()), inherited)),
        "required": _required(given.get("required", {}), inherited),
        "assignment": _assignment(api, given.get("assignment", {}), given.get("capability")),
        "context": plugin_pb2.CallContext(attempt=attempt, supports_requirements=True),
        "operation": _operation(given.get("operation"), completed.generation),
    }
    return fields, {one.key: f"{one.kind}/{one.name}" for one in extensions}


def _complete(what: str, given: object, defaults: Mapping[str, str], more: Json | None = None) -> _Resource:
    """Adds what every resource of a cluster has. Without a default, the test must have the field."""
    resource = _mapping(what, given)
    metadata = _mapping(f"{what}.metadata", resource.get("metadata", {}))
    api_version = _text(f"{what}.apiVersion", resource.get("apiVersion", defaults.get("apiVersion")))
    kind = _text(f"{what}.kind", resource.get("kind", defaults.get("kind")))
    name = _text(f"{what}.metadata.name", metadata.get("name", defaults.get("name")))
    namespace = metadata.get("namespace", defaults["namespace"])
    if not isinstance(namespace, str):
        raise _invalid(f"{what}.metadata.namespace", namespace, "a str")
    generation = metadata.get("generation", 1)
    if not _is_integer(generation):
        raise _invalid(f"{what}.metadata.generation", generation, "an integer")
    for field in ("labels", "annotations"):
        for key, value in _mapping(f"{what}.metadata.{field}", metadata.get(field, {})).items():
            if not isinstance(value, str):
                raise _invalid(f'{what}.metadata.{field}["{key}"]', value, "a str, as in Kubernetes")
    key = f"{api_version if '/' in api_version else f'/{api_version}'}/{kind}/{namespace}/{name}"
    completed = {
        "uid": _uid(key),
        "resourceVersion": "1",
        "creationTimestamp": "2000-01-01T00:00:00Z",
        **(more or {}),
        **metadata,
        "generation": generation,
        "name": name,
    }
    # Cluster-scoped resources have none.
    completed.pop("namespace", None)
    if namespace:
        completed["namespace"] = namespace
    try:
        json = encode_json({**resource, "apiVersion": api_version, "kind": kind, "metadata": completed}, what)
    except TypeError as error:
        raise InvalidInput(str(error)) from error
    return _Resource(key, kind, name, namespace, generation, json)


def _complete_all(what: str, given: object, defaults: Mapping[str, str]) -> list[_Resource]:
    if not isinstance(given, Sequence) or isinstance(given, (str, bytes)):
        raise _invalid(what, given, "a list of resources")
    return [_complete(f"{what}[{index}]", one, defaults) for index, one in enumerate(given)]


def _by_key(what: str, resources: Sequence[_Resource]) -> dict[str, resource_pb2.Resource]:
    keyed: dict[str, resource_pb2.Resource] = {}
    for one in resources:
        if one.key in keyed:
            raise InvalidInput(f"{what} has {one.kind}/{one.name} twice; give each one its own metadata.name")
        keyed[one.key] = one.encoded()
    return keyed


def _required(given: object, defaults: Mapping[str, str]) -> dict[str, plugin_pb2.RequiredResources]:
    found = {}
    for name, resources in _mapping("required", given).items():
        items = _complete_all(f"required.{name}", resources, defaults)
        items.sort(key=lambda one: (one.namespace, one.name))
        found[name] = plugin_pb2.RequiredResources(items=[one.encoded() for one in items])
    return found


def _assignment(
    api: registry_pb2.PluginApi, given: AssignmentInput, capability: CapabilityInput | None
) -> plugin_pb2.Assignment:
    _check_names("assignment", _mapping("assignment", given), AssignmentInput)
    return plugin_pb2.Assignment(
        delegation=given.get("delegation", "test"),
        api=api.name,
        api_version=api.version,
        reason=given.get("reason", "Preferred"),
        message=given.get("message", ""),
        capability=None if capability is None else _capability(api, capability),
    )


def _capability(api: registry_pb2.PluginApi, given: CapabilityInput) -> plugin_pb2.AssignedCapability:
    _check_names("capability", _mapping("capability", given), CapabilityInput)
    categories = sorted({one.category for one in api.provides})
    fields: dict[str, Any] = {"category": categories[0]} if len(categories) == 1 else {}
    fields.update(given)
    if "category" not in fields:
        provided = ", ".join(categories) or "no capabilities"
        raise InvalidInput(f"capability.category is missing; write it, as the API {api.name} provides {provided}")
    for field in CapabilityInput.__annotations__:
        value = fields.setdefault(field, "") if field == "previous_version" else fields.get(field)
        if not isinstance(value, str):
            raise _invalid(f"capability.{field}", value, 'a str such as "17"')
    return plugin_pb2.AssignedCapability(**fields)


def _operation(given: OperationInput | Progress | None, current: int) -> plugin_pb2.Operation | None:
    if given is None:
        return None
    if isinstance(given, Progress):
        given = OperationInput(percentage=given.percentage, message=given.message, token=given.token)
    _check_names("operation", _mapping("operation", given), OperationInput)
    percentage, generation = given.get("percentage"), given.get("generation", current)
    if percentage is not None and not (_is_integer(percentage) and 0 <= percentage <= _MAX_PERCENTAGE):
        raise _invalid("operation.percentage", percentage, "an integer from 0 to 100")
    if not _is_integer(generation):
        raise _invalid("operation.generation", generation, "an integer")
    started_at = given.get("started_at") or datetime.now(timezone.utc)
    started = Timestamp()
    started.FromDatetime(started_at)
    message, token = given.get("message", ""), given.get("token", "")
    return plugin_pb2.Operation(
        progress=plugin_pb2.Progress(percentage=percentage, message=message, token=token),
        generation=generation,
        started_at=started,
        cancelled=given.get("cancelled", False),
    )


def _check_names(what: str, given: Mapping[str, Any], type_: type[Any]) -> None:
    known = type_.__annotations__
    unknown = next((name for name in given if name not in known), None)
    if unknown is not None:
        raise InvalidInput(f'{what} has the unknown field "{unknown}"; its fields are {", ".join(known)}')


def _mapping(what: str, given: object) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):
        raise _invalid(what, given, "a dict")
    return given


def _text(what: str, value: object) -> str:
    if value is None:
        raise InvalidInput(f"{what} is missing; write it")
    if not isinstance(value, str) or not value:
        raise _invalid(what, value, "a str that is not empty")
    return value


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _invalid(what: str, given: object, expected: str) -> InvalidInput:
    return InvalidInput(f"{what} is {given!r}; it must be {expected}")


def _uid(key: str) -> str:
    """Returns a UUID that is the same in each run, so that tests can repeat."""
    digest = hashlib.sha256(key.encode()).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-8{digest[17:20]}-{digest[20:32]}"
