from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import msgspec
import pydantic
import pytest

from kplug import InvalidDefinition
from kplug._models import InvalidSpec, model_of


@dataclass
class Column:
    name: str
    type: Literal["string", "int64"] = "string"


@dataclass
class Spec:
    columns: list[Column]
    size: int | None = None
    tags: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.columns:
            raise ValueError("a table has at least one column")


class Struct(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    server_name: Annotated[str, msgspec.Meta(max_length=5)]


class PydanticColumn(pydantic.BaseModel):
    name: str


class PydanticSpec(pydantic.BaseModel):
    columns: list[PydanticColumn] = pydantic.Field(min_length=1)
    size: int = 4


@pydantic.dataclasses.dataclass
class PydanticDataclass:
    size: int


def test_defaults_of_a_dataclass_are_applied() -> None:
    given = {"columns": [{"name": "id", "type": "int64"}, {"name": "who"}], "unknown": 1}
    assert model_of(Spec)(given) == Spec([Column("id", "int64"), Column("who")])


@pytest.mark.parametrize(
    ("model", "spec", "message"),
    [
        (Spec, {"columns": [{"name": "id"}, {"name": 1}]}, r"^\.spec\.columns\[1\]\.name: Expected str, got int$"),
        (
            Spec,
            {"columns": [{"name": "id", "type": "blob"}]},
            r"^\.spec\.columns\[0\]\.type: Invalid enum value 'blob'",
        ),
        (Spec, {}, r"^\.spec: Object missing required field columns$"),
        (Spec, {"columns": []}, r"^\.spec: a table has at least one column$"),
        (Spec, {"columns": [{"name": "id"}], "size": "4"}, r"^\.spec\.size: Expected int \| null, got str$"),
        (Spec, None, r"^\.spec: Expected object, got null$"),
        (Struct, {"serverName": "too long"}, r"^\.spec\.serverName: Expected str of length <= 5$"),
        (Struct, {"serverName": "a", "more": 1}, r"^\.spec: Object contains unknown field more$"),
        (PydanticSpec, {"columns": [{"name": 1}], "size": "?"}, r"^\.spec\.columns\[0\]\.name: .*; \.spec\.size: "),
        (PydanticDataclass, {"size": "?"}, r"^\.spec\.size: Input should be a valid integer"),
    ],
)
def test_an_invalid_spec_says_where_and_why(model: type[Any], spec: Any, message: str) -> None:
    with pytest.raises(InvalidSpec, match=message):
        model_of(model)(spec)


def test_other_models() -> None:
    assert model_of(Struct)({"serverName": "a"}).server_name == "a"
    assert model_of(PydanticSpec)({"columns": [{"name": "id"}]}).size == 4
    assert model_of(PydanticDataclass)({"size": 3}).size == 3


@pytest.mark.parametrize("type_", [int, list[Spec], object, dict[int, complex]])
def test_an_unsupported_model_is_rejected(type_: type[Any]) -> None:
    with pytest.raises(InvalidDefinition, match="is not supported as the model of a spec"):
        model_of(type_)
