"""Tests of the description of a plugin with the schemas of its resources."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pytest
from msgspec import Meta, Struct

from kplug import InvalidDefinition, Plugin, Result
from kplug._describe import describe_plugin


class Column(Struct):
    name: Annotated[str, Meta(min_length=1, extra_json_schema={"x-kplug-column": "First"})]


class Table(Struct):
    columns: list[Column]
    rows: int = 3


@dataclass
class Options:
    engine: str


def test_describes_the_base_and_the_extensions_of_each_api() -> None:
    plugin = Plugin(
        "Plain", version="1.2.0", api="Table@1.0.0", spec=Table, extensions={"Options": Options, "Other": None}
    )
    plugin.reconcile(lambda _: Result())
    view = plugin.implement_api("View@1.0.0")
    view.reconcile(lambda _: Result())
    described = describe_plugin(plugin.definition())
    table, views = described["apis"]
    assert (described["plugin"], described["version"]) == ("Plain", "1.2.0")
    assert (table["name"], table["version"]) == ("Table", "1.0.0")
    assert table["base"]["properties"] == {"spec": {"$ref": "#/$defs/Table"}}
    assert table["base"]["$defs"]["Table"]["required"] == ["columns"]
    assert table["base"]["$defs"]["Column"]["properties"]["name"] == {
        "type": "string",
        "minLength": 1,
        "x-kplug-column": "First",
    }
    assert list(table["extensions"]) == ["Options"]
    assert views == {"name": "View", "version": "1.0.0", "extensions": {}}


def test_describes_a_model_of_pydantic() -> None:
    pydantic = pytest.importorskip("pydantic")

    class Spec(pydantic.BaseModel):  # type: ignore[misc, name-defined]
        size: int = pydantic.Field(ge=1, json_schema_extra={"x-kplug-column": "Size"})

    plugin = Plugin("Plain", version="1.0.0", api="Table@1.0.0", spec=Spec)
    plugin.reconcile(lambda _: Result())
    (api,) = describe_plugin(plugin.definition())["apis"]
    assert api["base"]["properties"]["spec"]["properties"]["size"]["minimum"] == 1
    assert api["base"]["properties"]["spec"]["properties"]["size"]["x-kplug-column"] == "Size"


def test_names_a_type_without_a_schema() -> None:
    class Spec(Struct):
        custom: Plugin[object]

    plugin = Plugin("Plain", version="1.0.0", api="Table@1.0.0", spec=Spec)
    plugin.reconcile(lambda _: Result())
    with pytest.raises(InvalidDefinition, match="the model of the spec can't be converted to JSON Schema"):
        describe_plugin(plugin.definition())


def test_writes_the_description_instead_of_serving(tmp_path: Path) -> None:
    program = tmp_path / "plugin.py"
    program.write_text(
        """
from dataclasses import dataclass
from kplug import Plugin, Result

@dataclass
class Spec:
    who: str

plugin = Plugin("Plain", version="1.0.0", api="Greeting@1.0.0", spec=Spec)
plugin.reconcile(lambda call: Result())
plugin.run()
"""
    )
    file = tmp_path / "description.json"
    subprocess.run(  # noqa: S603
        [sys.executable, program], check=True, env={**os.environ, "KPLUG_DESCRIBE": str(file)}, timeout=60
    )
    assert json.loads(file.read_text())["apis"][0]["base"]["$defs"]["Spec"]["required"] == ["who"]
