"""Encoding of results for the protocol."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from kplug._durations import to_duration
from kplug._errors import PluginError
from kplug._extensions import Extensions
from kplug._progress import encode_progress, progress_messages
from kplug._resource import Resource
from kplug._result import Condition, Dependent, Event, FinalizeResult, Message, Progress, Result
from kplug.v1 import plugin_pb2, resource_pb2

_SEVERITIES = {
    "info": resource_pb2.SEVERITY_INFO,
    "warning": resource_pb2.SEVERITY_WARNING,
    "error": resource_pb2.SEVERITY_ERROR,
}
_EVENT_TYPES = {"Normal": resource_pb2.EVENT_TYPE_NORMAL, "Warning": resource_pb2.EVENT_TYPE_WARNING}
_CONDITION_STATUSES = {
    True: resource_pb2.CONDITION_STATUS_TRUE,
    False: resource_pb2.CONDITION_STATUS_FALSE,
    "Unknown": resource_pb2.CONDITION_STATUS_UNKNOWN,
}
_POLICIES = {
    "Apply": plugin_pb2.DEPENDENT_POLICY_APPLY,
    "CreateOnly": plugin_pb2.DEPENDENT_POLICY_CREATE_ONLY,
    "Recreate": plugin_pb2.DEPENDENT_POLICY_RECREATE,
    "Observe": plugin_pb2.DEPENDENT_POLICY_OBSERVE,
}


def encode_result(result: Any, extensions: Extensions) -> plugin_pb2.ReconcileResponse:
    """Encodes the result of `reconcile` as a response. Raises for a result that can't be encoded."""
    result = _expect(Result() if result is None else result, Result, "reconcile")
    progress: Progress | None = result.progress
    return plugin_pb2.ReconcileResponse(
        outcome=plugin_pb2.OUTCOME_RETRY if progress else plugin_pb2.OUTCOME_SUCCESS,
        progress=encode_progress(progress),
        retry_after=to_duration(progress.after) if progress else None,
        base_status=None if result.status is None else encode_json(result.status),
        extension_statuses={
            _target(extension, extensions): encode_json(status) for extension, status in result.extensions.items()
        },
        dependents=None if result.dependents is None else _encode_dependents(result.dependents),
        conditions=[_encode_condition(condition) for condition in result.conditions],
        messages=[*(_encode_message(message, extensions) for message in result.messages), *progress_messages(progress)],
        events=[_encode_event(event, extensions) for event in result.events],
        requeue_after=to_duration(result.requeue_after),
        valid_for=None if progress else to_duration(result.valid_for),
    )


def encode_finalize_result(result: Any, extensions: Extensions) -> plugin_pb2.FinalizeResponse:
    """Encodes the result of `finalize` as a response. Raises for a result that can't be encoded."""
    result = _expect(FinalizeResult() if result is None else result, FinalizeResult, "finalize")
    progress: Progress | None = result.progress
    return plugin_pb2.FinalizeResponse(
        outcome=plugin_pb2.OUTCOME_RETRY if progress else plugin_pb2.OUTCOME_SUCCESS,
        progress=encode_progress(progress),
        retry_after=to_duration(progress.after) if progress else None,
        messages=[*(_encode_message(message, extensions) for message in result.messages), *progress_messages(progress)],
        events=[_encode_event(event, extensions) for event in result.events],
    )


def _expect(result: Any, type_: type[Any], function: str) -> Any:
    if isinstance(result, type_):
        return result
    expected, got = type_.__name__, type(result).__name__
    raise PluginError(f"{function} returned {got}; it must return a kplug.{expected} or None")


def _encode_message(message: Message, extensions: Extensions) -> resource_pb2.Message:
    target = _target(message.extension, extensions)
    severity = _SEVERITIES[message.severity]
    return resource_pb2.Message(severity=severity, reason=message.reason, text=message.text, target=target)


def _encode_event(event: Event, extensions: Extensions) -> resource_pb2.Event:
    target = _target(event.extension, extensions)
    type_ = _EVENT_TYPES[event.type]
    return resource_pb2.Event(type=type_, reason=event.reason, message=event.message, target=target)


def _encode_condition(condition: Condition) -> resource_pb2.Condition:
    status = _CONDITION_STATUSES[condition.status]
    return resource_pb2.Condition(
        type=condition.type, status=status, reason=condition.reason, message=condition.message
    )


def _encode_dependents(dependents: Sequence[object]) -> plugin_pb2.Dependents:
    encoded = plugin_pb2.Dependents()
    for dependent in dependents:
        item = encode_json(dependent.manifest if isinstance(dependent, Dependent) else dependent)
        encoded.items.append(item)
        if isinstance(dependent, Dependent):
            encoded.rules[dependent_name(item)].CopyFrom(_encode_rules(dependent))
    return encoded


def _encode_rules(dependent: Dependent) -> plugin_pb2.DependentRules:
    return plugin_pb2.DependentRules(
        depends_on=dependent.depends_on,
        ready_when=dependent.ready_when,
        ready_timeout=to_duration(dependent.ready_timeout),
        include_when=dependent.include_when,
        policy=_POLICIES[dependent.policy],
        retain=dependent.retain,
    )


def dependent_name(item: bytes) -> str:
    """Returns the name of an encoded dependent, `Kind.group/name`, which is unique in a result."""
    manifest = _decoder.decode(item)
    group, slash, _ = manifest.apiVersion.partition("/")
    return f"{manifest.kind}.{group}/{manifest.metadata.name}" if slash else f"{manifest.kind}/{manifest.metadata.name}"


class _Metadata(msgspec.Struct):
    name: str


class _Manifest(msgspec.Struct):
    apiVersion: str  # noqa: N815
    kind: str
    metadata: _Metadata


_decoder = msgspec.json.Decoder(_Manifest)


def _target(extension: Resource[Any] | None, extensions: Extensions) -> str:
    if extension is None:
        return ""
    key = extensions.key_of(extension)
    if key is None:
        what = "a status, message or Event"
        raise PluginError(f"the plugin returned {what} for {extension}, which is not an extension of this call")
    return key


def encode_json(value: object, what: str = "the result") -> bytes:
    """Encodes a status or a resource. Raises `TypeError`, which names it by `what`, for one that can't be encoded."""

    def encode_other(part: Any) -> Any:
        if hasattr(part, "model_dump"):
            return part.model_dump(mode="json", by_alias=True)
        raise TypeError(f"{what} has {part!r}, a {type(part).__name__}, which can't be encoded as JSON")

    return msgspec.json.encode(value, enc_hook=encode_other)
