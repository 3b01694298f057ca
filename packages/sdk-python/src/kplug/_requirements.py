"""Further resources that plugins require."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from kplug._call import Required
from kplug._errors import Terminal
from kplug._resource import Json, read_resource
from kplug._result import Requirement
from kplug.v1 import plugin_pb2, resource_pb2

_Request = plugin_pb2.ReconcileRequest | plugin_pb2.FinalizeRequest

_decoder = msgspec.json.Decoder(dict[str, Any])


def read_required(request: _Request) -> Required:
    """Reads the required resources of a request."""
    return Required(
        {name: [read_resource(_decode(item)) for item in found.items] for name, found in request.required.items()}
    )


def encode_requirements(
    require: Mapping[str, Requirement], request: _Request
) -> dict[str, plugin_pb2.ResourceRequirement]:
    """Encodes what a plugin requires. Raises `Terminal` if the controller is too old to read it."""
    if require and not request.context.supports_requirements:
        text = "the plugin requires further resources, which the operator does not send; upgrade it"
        raise Terminal(text, reason="RequirementsUnsupported")
    return {name: _encode(requirement) for name, requirement in require.items()}


def unfinished(
    require: Mapping[str, Requirement], request: plugin_pb2.FinalizeRequest
) -> plugin_pb2.FinalizeResponse | None:
    """Returns the response to a finalization whose call did not bring what it requires; `None` if it did."""
    if all(name in request.required for name in require):
        return None
    text = f"the plugin requires further resources: {', '.join(require)}"
    message = resource_pb2.Message(severity=resource_pb2.SEVERITY_INFO, reason="RequiresResources", text=text)
    return plugin_pb2.FinalizeResponse(
        outcome=plugin_pb2.OUTCOME_RETRY, messages=[message], requirements=encode_requirements(require, request)
    )


def _encode(requirement: Requirement) -> plugin_pb2.ResourceRequirement:
    return plugin_pb2.ResourceRequirement(
        api_version=requirement.api_version,
        kind=requirement.kind,
        namespace=requirement.namespace,
        name=requirement.name,
        labels=requirement.labels,
    )


def _decode(resource: resource_pb2.Resource) -> Json:
    return _decoder.decode(resource.json)
