"""Models of specs: dataclasses and other types that msgspec reads, or models of pydantic."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from kplug._errors import InvalidDefinition

_T = TypeVar("_T")

_OBJECTS = (inspect.DataclassType, inspect.StructType, inspect.TypedDictType)

Model = Callable[[Any], _T]
"""Function that converts a spec from JSON. Raises `InvalidSpec`."""


class InvalidSpec(Exception):
    """Spec that doesn't match its model. The message tells the user where and why."""


def model_of(type_: type[_T]) -> Model[_T]:
    """Returns the model for a type. Raises `InvalidDefinition` for an unsupported type."""
    if _is_pydantic(type_):
        return _pydantic_model(type_)
    # Types that msgspec converts from a JSON object; attrs classes are among the dataclasses.
    if not isinstance(inspect.type_info(type_), _OBJECTS):
        advice = "it must be a dataclass, a TypedDict, a msgspec Struct or a pydantic model"
        raise InvalidDefinition(f"{type_!r} is not supported as the model of a spec: {advice}")
    return _msgspec_model(type_)


def schema_of(type_: type[Any], target: str) -> dict[str, Any]:
    """Returns the JSON Schema of a type. Raises `InvalidDefinition` if it has none."""
    try:
        if _is_pydantic(type_):
            import pydantic  # noqa: PLC0415

            return pydantic.TypeAdapter(type_).json_schema(mode="validation")
        return msgspec.json.schema(type_)
    except Exception as error:
        raise InvalidDefinition(f"the model of {target} can't be converted to JSON Schema: {error}") from error


def _is_pydantic(type_: type[Any]) -> bool:
    # Checks attributes instead of classes, so that pydantic is imported only if it is used.
    return hasattr(type_, "__pydantic_validator__") or hasattr(type_, "__pydantic_fields__")


def _msgspec_model(type_: type[_T]) -> Model[_T]:
    def read(spec: Any) -> _T:
        try:
            return msgspec.convert(spec, type_)
        except msgspec.ValidationError as error:
            message, _, path = str(error).partition(" - at `$")
            raise InvalidSpec(f".spec{path.removesuffix('`')}: {message.replace('`', '')}") from error

    return read


def _pydantic_model(type_: type[_T]) -> Model[_T]:
    import pydantic  # noqa: PLC0415

    adapter = pydantic.TypeAdapter(type_)

    def read(spec: Any) -> _T:
        try:
            return adapter.validate_python(spec)
        except pydantic.ValidationError as error:
            issues = [f"{_path(issue['loc'])}: {issue['msg']}" for issue in error.errors(include_url=False)]
            raise InvalidSpec("; ".join(issues)) from error

    return read


def _path(steps: Sequence[int | str]) -> str:
    return ".spec" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
