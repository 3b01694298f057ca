"""Description of a plugin with the schemas of its resources, from which `kplug crd` generates definitions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kplug._definition import Definition, Models
from kplug._models import schema_of

_DEFINITIONS = "$defs"


def write_description(path: str, definition: Definition) -> None:
    """Writes the description of a plugin to a file, as JSON. Raises `InvalidDefinition` for a type without a schema."""
    Path(path).write_text(json.dumps(describe_plugin(definition)), encoding="utf-8")


def describe_plugin(definition: Definition) -> dict[str, Any]:
    """Describes a plugin. Raises `InvalidDefinition` for a type without a schema."""
    apis = [
        {"name": api.name, "version": api.version, **_describe(implementation.models)}
        for implementation in definition.implementations
        for api in implementation.apis
    ]
    return {"plugin": definition.plugin, "version": definition.version, "apis": apis}


def _describe(models: Models) -> dict[str, Any]:
    extensions = {kind: _resource(schema_of(type_, kind)) for kind, type_ in models.types.items()}
    if models.base_type is None:
        return {"extensions": extensions}
    return {"base": _resource(schema_of(models.base_type, "the spec")), "extensions": extensions}


def _resource(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the schema of a resource with a spec."""
    own = {keyword: value for keyword, value in spec.items() if keyword != _DEFINITIONS}
    # References name the definitions from the root of the document.
    definitions = spec.get(_DEFINITIONS, {})
    return {"type": "object", "properties": {"spec": own}, "required": ["spec"], _DEFINITIONS: definitions}
